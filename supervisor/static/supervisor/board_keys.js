// The keyboard of the wallboard: from row to row, to the search, to the wall screen, and help.

const SETTING = "callcenter-board-keys";

const help = document.getElementById("help");
const isOn = document.getElementById("keys");

export function startKeys(body) {
  isOn.checked = stored() !== "off";
  isOn.addEventListener("change", () => store(isOn.checked ? "on" : "off"));
  document.getElementById("help-button").addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => press(event, body));
  for (const list of document.querySelectorAll("#search .choice")) {
    list.addEventListener("change", () => list.form.requestSubmit());
  }
  document.getElementById("search").addEventListener("submit", leaveOutTheEmpty);
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

// An address that is passed on says what is filtered, and nothing else.
function leaveOutTheEmpty({ target }) {
  for (const field of target.elements) field.disabled ||= Boolean(field.name) && !field.value;
}
addEventListener("pageshow", () => {
  for (const field of document.getElementById("search").elements) field.disabled = false;
});

function press(event, body) {
  if (!isOn.checked || event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.target.closest("input, select, textarea, dialog, summary, [role=region]")) return;
  const act = {
    j: () => step(body, 1),
    ArrowDown: () => isInRows(event) && step(body, 1),
    k: () => step(body, -1),
    ArrowUp: () => isInRows(event) && step(body, -1),
    "/": () => document.querySelector(".search input[type=search]").select() ?? true,
    "?": () => help.showModal() ?? true,
    w: () => document.getElementById("wall").click() ?? true,
  }[event.key];
  if (act?.()) event.preventDefault();
}

// Arrows scroll the page as ever, until a row has the focus.
function isInRows(event) {
  return Boolean(event.target.closest("#rows"));
}

function step(body, by) {
  const rows = [...body.children];
  const here = rows.indexOf(document.activeElement?.closest("#rows > tr"));
  const next = rows[here < 0 ? (by > 0 ? 0 : rows.length - 1) : here + by];
  const link = next?.querySelector(".c-call a");
  link?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return Boolean(link);
}
