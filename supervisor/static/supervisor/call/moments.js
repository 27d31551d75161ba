// The moments of a call: alerts and notes are about one, and the address may name one (#t=83.4).

const SHOWN_MS = 4000;

const main = document.getElementById("main");
let sought = null; // the moment that the address names, in ms

// The alerts and notes that are about a moment of the call, in its order.
export function marksOnPage() {
  const links = [...main.querySelectorAll(":is(.alert, .comment) [data-moment]")];
  return links.map((link) => {
    const subject = link.closest(".alert, .comment");
    const isAlert = subject.matches(".alert");
    return {
      ...(isAlert ? alertMark(subject) : noteMark(subject)),
      isAlert,
      id: subject.id,
      at: Number(link.dataset.moment),
      speaker: link.dataset.speaker ?? "",
    };
  }).sort((one, other) => one.at - other.at);
}

function alertMark(alert) {
  const badge = alert.querySelector(".alert-badge");
  const name = alert.querySelector(".alert__name strong").textContent;
  const level = [...badge.classList].find((each) => each.startsWith("alert-badge--")).replace("alert-badge--", "");
  return { name, level, said: "Alert: ", title: `Alert: ${name}`, icon: badge.querySelector("svg") };
}

function noteMark(note) {
  const name = note.dataset.author;
  const title = `Note: ${note.querySelector(".comment__text").textContent.slice(0, 200)}`;
  return { name, level: "note", said: "Note by ", title, icon: note.querySelector(".comment__at svg") };
}

// The last turn of this speaker, or of anybody, that has begun at this time.
export function turnAt(ms, speaker = "") {
  const begun = [...main.querySelectorAll(".turns > .turn[data-begin]")].filter(
    (turn) => Number(turn.dataset.begin) <= ms && (!speaker || turn.classList.contains(`turn--${speaker}`)),
  );
  return begun.at(-1) ?? null;
}

// Shows the turn that a link with a moment is about. Returns whether there is one.
export function showMoment(link) {
  const turn = turnAt(Number(link.dataset.moment), link.dataset.speaker);
  if (!turn) return false;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  turn.scrollIntoView({ block: "nearest", behavior: isCalm ? "instant" : "smooth" });
  turn.classList.add("is-shown");
  setTimeout(() => turn.classList.remove("is-shown"), SHOWN_MS);
  return true;
}

// Reads the moment in the address, in ms; null without one.
export function momentInAddress() {
  const found = location.hash.match(/^#t=(?:(\d+):)?(?:(\d+):)?(\d+(?:\.\d+)?)$/);
  if (!found) return null;
  const parts = found.slice(1, 3).filter((part) => part !== undefined);
  const seconds = parts.reduce((sum, part) => (sum + Number(part)) * 60, 0) + Number(found[3]);
  return seconds * 1000;
}

// Marks the turn of a moment and brings it into view. null takes the mark away.
export function seekMoment(ms) {
  sought = ms;
  if (ms !== null) for (const node of main.querySelectorAll(".turn--sought")) node.classList.remove("turn--sought");
  markSought()?.scrollIntoView({ block: "nearest", behavior: "instant" });
}

// Marks it again. Call this after every merge, which removes the mark.
export function markSought() {
  const turn = sought === null ? null : turnAt(sought);
  turn?.classList.add("turn--sought");
  return turn;
}

// The moment that the address names, in ms; null without one.
export function soughtMoment() {
  return sought;
}
