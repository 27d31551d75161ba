// Runs where the sidebar begins. Django's own script opens it after the first paint, which moves the whole page.

document.getElementById("main").classList.toggle(
  "shifted", localStorage.getItem("django.admin.navSidebarIsOpen") !== "false",
);
