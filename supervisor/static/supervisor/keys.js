// One-letter keyboard shortcuts. Each page defines its own. The user can turn them off in the help
// that lists them.

const SETTING = "callcenter-board-keys"; // one setting for all pages
const TAKEN = "input:not([type=checkbox]), select, textarea, dialog, summary, [role=region]";

// The user's settings can turn them off for every browser.
export const areAllowed = document.documentElement.dataset.keys !== "off";

const help = document.getElementById("help");
const isOn = document.getElementById("keys");

// deeds: a function of the event for each key. It returns whether it did something.
export function startKeys(deeds) {
  isOn.checked = areAllowed && stored() !== "off";
  isOn.disabled = !areAllowed;
  isOn.addEventListener("change", () => store(isOn.checked ? "on" : "off"));
  document.getElementById("help-button").addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (!isOn.checked || event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target.closest(TAKEN)) return;
    if (event.key === "?") help.showModal();
    else if (!deeds[event.key]?.(event)) return;
    event.preventDefault();
  });
}

function stored() {
  try {
    return localStorage.getItem(SETTING);
  } catch {
    return null; // localStorage may be blocked
  }
}

function store(value) {
  try {
    localStorage.setItem(SETTING, value);
  } catch {
    // the setting then lasts until the page is left
  }
}
