// Moves between the marked search words on the call page, and keeps its place across merges.

const main = document.getElementById("main");
let marks = [];
let current = null;

// Reads the page again. Call it after every merge.
export function mountPlaces() {
  const at = marks.indexOf(current);
  marks = [...main.querySelectorAll("mark.sought")];
  if (!marks.includes(current)) current = marks[Math.min(at, marks.length - 1)];
  show();
}

// Starts at the target of the address; "Next" continues from there.
export function beginAt(target) {
  current = marks.find((mark) => target.compareDocumentPosition(mark) & Node.DOCUMENT_POSITION_FOLLOWING);
  show();
}

function step(by) {
  const at = marks.indexOf(current);
  // "Previous" without a current mark starts from the last one.
  const next = at < 0 && by < 0 ? -1 : at + by;
  current = marks.at(next % marks.length);
  show();
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  current.scrollIntoView({ block: "center", behavior: isCalm ? "instant" : "smooth" });
}

function show() {
  for (const mark of marks) if (mark !== current) mark.removeAttribute("aria-current");
  current?.setAttribute("aria-current", "true");
  const output = main.querySelector(".places__at");
  if (!output) return;
  const text = current ? `${marks.indexOf(current) + 1} of ${marks.length}` : "";
  // Screen readers announce every write, so write only changes.
  if (output.textContent !== text) output.textContent = text;
}

main.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-step]");
  if (button && marks.length) step(Number(button.dataset.step));
});
