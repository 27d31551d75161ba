// Keys of one letter: what they do is the page's affair; whether they do it, the reader's, who
// turns them off in the help that lists them.

const SETTING = "callcenter-board-keys"; // one switch for all pages
const TAKEN = "input:not([type=checkbox]), select, textarea, dialog, summary, [role=region]";

const help = document.getElementById("help");
const isOn = document.getElementById("keys");

// deeds: by key, functions of the event that return whether they had anything to do.
export function startKeys(deeds) {
  isOn.checked = stored() !== "off";
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
    return null; // storage may be forbidden
  }
}

function store(value) {
  try {
    localStorage.setItem(SETTING, value);
  } catch {
    // then it holds until the next page
  }
}
