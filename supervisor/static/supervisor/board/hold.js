// Keeps rows in place while the user points at or moves through them, so that a click hits its call.

const IDLE_MS = 15_000; // a pointer at rest for longer counts as absent

const button = document.getElementById("waiting");
const list = document.getElementById("rows");
let isOver = false;
let seenAt = 0;

export function startHold(onRelease) {
  list.addEventListener("pointermove", () => see(true), { passive: true });
  // Focus holds the rows, too, for keyboard users.
  list.addEventListener("focusin", () => see(isOver));
  document.addEventListener("keydown", () => hasFocus() && see(isOver));
  list.addEventListener("pointerleave", () => {
    isOver = false;
    if (!isHeld()) onRelease(false);
  });
  // Where the focus went is known only after the event.
  list.addEventListener("focusout", () => setTimeout(() => isHeld() || onRelease(false)));
  button.addEventListener("click", () => {
    seenAt = 0;
    onRelease(true);
  });
}

export function isHeld() {
  return (isOver || hasFocus()) && Date.now() - seenAt < IDLE_MS;
}

// Says that updates are waiting. Their number is exact only if all of them are new calls.
export function showWaiting(count, isExact) {
  const text = isExact ? `${count} new call${count === 1 ? "" : "s"}` : "The list has changed";
  if (button.hidden === !count && (!count || button.textContent === text)) return;
  button.textContent = text;
  button.hidden = !count;
}

function see(over) {
  isOver = over;
  seenAt = Date.now();
}

function hasFocus() {
  return list.contains(document.activeElement);
}
