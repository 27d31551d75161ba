// The menus of an alert, which are details elements: only one is open, and Escape or a click elsewhere
// closes it. Also names the time zone of a time of day.

export function startMenus() {
  document.addEventListener("toggle", ({ target }) => {
    if (!target.matches?.("details.menu") || !target.open) return;
    for (const other of openMenus()) if (other !== target) other.open = false;
  }, { capture: true });
  document.addEventListener("click", ({ target }) => {
    for (const menu of openMenus()) if (!menu.contains(target)) menu.open = false;
  });
  document.addEventListener("keydown", ({ key }) => {
    const menu = key === "Escape" && document.activeElement?.closest("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("formdata", ({ formData }) => {
    if (formData.has("until")) formData.set("zone", Intl.DateTimeFormat().resolvedOptions().timeZone);
  });
}

function openMenus() {
  return document.querySelectorAll("details.menu[open]");
}
