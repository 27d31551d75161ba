// Names for what Django's own markup leaves without one, for those who hear the page.
function nameEverything() {
  document.getElementById("searchbar")?.setAttribute("aria-label", "Search");
  // Date and time of one field: the words "Date:" and "Time:" stand before them, as no label.
  for (const input of document.querySelectorAll(".datetime input")) {
    input.setAttribute("aria-label", input.previousSibling?.textContent.trim() || input.name);
  }
  for (const icon of document.querySelectorAll("span.help-tooltip[aria-label]")) {
    icon.setAttribute("role", "img");
  }
}

// After the scripts of the admin, which write such markup themselves when the page has loaded.
addEventListener("load", () => setTimeout(nameEverything));
