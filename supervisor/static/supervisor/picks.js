// The selection for a bulk action: the bar that shows its size, and "select all shown".

export function startPicks(body) {
  const form = document.getElementById("bulk");
  if (!form) return;
  const all = document.getElementById("pick-all");
  const boxes = () => [...body.querySelectorAll(".pick")];
  const tell = () => {
    const [shown, chosen] = [boxes(), boxes().filter((box) => box.checked).length];
    document.getElementById("picked").textContent = `${chosen} selected`;
    form.classList.toggle("is-used", chosen > 0);
    all.checked = chosen > 0 && chosen === shown.length;
    all.indeterminate = chosen > 0 && chosen < shown.length;
  };
  const choose = (isChosen) => {
    for (const box of boxes()) box.checked = isChosen;
    tell();
  };
  body.addEventListener("change", tell);
  // A selected row may leave the list with an update.
  new MutationObserver(tell).observe(body, { childList: true });
  addEventListener("pageshow", tell); // the browser restores the checkboxes
  all.addEventListener("change", () => choose(all.checked));
  document.getElementById("pick-none").addEventListener("click", () => choose(false));
}
