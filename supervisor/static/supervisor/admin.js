// Adds accessible names to elements of Django's admin that have none, for screen readers.
function nameEverything() {
  document.getElementById("searchbar")?.setAttribute("aria-label", "Search");
  // A split date and time field: "Date:" and "Time:" are plain text there, not labels.
  for (const input of document.querySelectorAll(".datetime input")) {
    input.setAttribute("aria-label", input.previousSibling?.textContent.trim() || input.name);
  }
  for (const icon of document.querySelectorAll("span.help-tooltip[aria-label]")) {
    icon.setAttribute("role", "img");
  }
}

// Runs after the admin's own scripts, which add such markup on load.
addEventListener("load", () => setTimeout(nameEverything));
