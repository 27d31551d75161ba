// The setting that turns off the one-letter shortcuts of the call page, and the shortcuts that need no player.

const SETTING = "callcenter-player-keys";

const main = document.getElementById("main");
let isOn = stored() !== "off";

export function wantsKeys() {
  return isOn;
}

// Shows the setting. Call it after every merge.
export function mountKeys() {
  for (const box of main.querySelectorAll("[data-keys]")) box.checked = isOn;
}

// deeds: a function for each key, which returns whether it did something.
export function startKeys(deeds) {
  main.addEventListener("change", ({ target }) => {
    if (!("keys" in target.dataset)) return;
    isOn = target.checked;
    store(isOn ? "on" : "off");
  });
  document.addEventListener("keydown", (event) => {
    if (!isOn || event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
    if (deeds[event.key.toLowerCase()]?.()) event.preventDefault();
  });
}

// Whether the focused field, button or dialog needs this key itself.
export function isTaken({ target, key }) {
  if (target.closest("input:not([type=checkbox]), textarea, select, dialog, [contenteditable]")) return true;
  if (key === " ") return target.closest("button, a, summary, input") !== null;
  return key.startsWith("Arrow") && target.closest(".scroll, audio") !== null;
}

// localStorage may be blocked; then the setting lasts until the page is left.
function stored() {
  try {
    return localStorage.getItem(SETTING);
  } catch {
    return null;
  }
}

function store(value) {
  try {
    localStorage.setItem(SETTING, value);
  } catch {
    // as above
  }
}
