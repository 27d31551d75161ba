// The selection for a bulk action: its size, and "select all shown".

export function startPicks(body) {
  const form = document.getElementById("bulk");
  if (!form) return;
  const boxes = () => [...body.querySelectorAll(".pick")];
  const tell = () => {
    const number = boxes().filter((box) => box.checked).length;
    document.getElementById("picked").textContent = number ? ` (${number})` : "";
  };
  body.addEventListener("change", tell);
  // A selected row may leave the list with an update.
  new MutationObserver(tell).observe(body, { childList: true });
  addEventListener("pageshow", tell); // the browser restores the checkboxes
  document.getElementById("pick-all").addEventListener("click", () => {
    const all = boxes();
    const isAll = all.every((box) => box.checked);
    for (const box of all) box.checked = !isAll;
    tell();
  });
}
