// The moments of alerts: the link of an alert leads to the turn that it is about.

const SHOWN_MS = 4000;

const main = document.getElementById("main");

// The alerts of this page that are about a moment of the call, oldest first.
export function alertsOnPage() {
  const links = [...main.querySelectorAll(".alert [data-moment]")];
  return links.map((link) => {
    const alert = link.closest(".alert");
    const badge = alert.querySelector(".alert-badge");
    return {
      id: alert.id.replace("alert-", ""),
      at: Number(link.dataset.moment),
      speaker: link.dataset.speaker,
      name: alert.querySelector(".alert__name strong").textContent,
      level: [...badge.classList].find((name) => name.startsWith("alert-badge--")).replace("alert-badge--", ""),
      icon: badge.querySelector("svg"),
    };
  }).sort((one, other) => one.at - other.at);
}

// The last turn of this speaker, or of anybody, that has begun at this time.
export function turnAt(ms, speaker = "") {
  const begun = [...main.querySelectorAll(".turns > .turn[data-begin]")].filter(
    (turn) => Number(turn.dataset.begin) <= ms && (!speaker || turn.classList.contains(`turn--${speaker}`)),
  );
  return begun.at(-1) ?? null;
}

export function showMoment(link) {
  const turn = turnAt(Number(link.dataset.moment), link.dataset.speaker);
  if (!turn) return false;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  turn.scrollIntoView({ block: "center", behavior: isCalm ? "instant" : "smooth" });
  turn.classList.add("is-shown");
  setTimeout(() => turn.classList.remove("is-shown"), SHOWN_MS);
  return true;
}
