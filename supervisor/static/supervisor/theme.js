// The theme: light, dark or automatic. It is set before the first paint. The admin stores its choice
// under the same key, so the two share it. The class is for Swagger UI.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const names = { auto: "automatic", light: "light", dark: "dark" };

  function stored() {
    try {
      return localStorage.getItem("theme") in names ? localStorage.getItem("theme") : "auto";
    } catch {
      return "auto"; // localStorage may be blocked
    }
  }

  function apply(theme) {
    root.dataset.theme = theme;
    root.classList.toggle("dark-mode", theme === "dark" || (theme === "auto" && system.matches));
    const button = document.getElementById("theme");
    if (button) button.title = `Theme: ${names[theme]}`;
  }

  function next(theme) {
    // The first click changes what is seen: away from what the system prefers.
    const order = system.matches ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
    return order[(order.indexOf(theme) + 1) % order.length];
  }

  // Styles hide what needs a script, unless this class is there before the first paint.
  root.classList.add("js");
  apply(stored());
  system.addEventListener("change", () => apply(stored()));
  // Another tab has changed the theme.
  addEventListener("storage", (event) => event.key === "theme" && apply(stored()));
  addEventListener("DOMContentLoaded", () => {
    apply(stored());
    document.getElementById("theme")?.addEventListener("click", () => {
      const theme = next(root.dataset.theme);
      apply(theme);
      try {
        localStorage.setItem("theme", theme);
      } catch {
        // the choice then lasts until the page is left
      }
    });
  });
})();
