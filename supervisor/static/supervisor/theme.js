// Light, dark or as the system says: set before the first paint, and shared with the admin, which
// keeps its choice under the same name. The class is what Swagger UI goes by.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const names = { auto: "automatic", light: "light", dark: "dark" };

  function stored() {
    try {
      return localStorage.getItem("theme") in names ? localStorage.getItem("theme") : "auto";
    } catch {
      return "auto"; // storage may be forbidden
    }
  }

  function apply(theme) {
    root.dataset.theme = theme;
    root.classList.toggle("dark-mode", theme === "dark" || (theme === "auto" && system.matches));
    const button = document.getElementById("theme");
    if (button) button.title = `Theme: ${names[theme]}`;
  }

  function next(theme) {
    const order = system.matches ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
    return order[(order.indexOf(theme) + 1) % order.length];
  }

  root.classList.add("js");
  apply(stored());
  system.addEventListener("change", () => apply(stored()));
  addEventListener("storage", (event) => event.key === "theme" && apply(stored()));
  addEventListener("DOMContentLoaded", () => {
    apply(stored());
    document.getElementById("theme")?.addEventListener("click", () => {
      const theme = next(root.dataset.theme);
      apply(theme);
      try {
        localStorage.setItem("theme", theme);
      } catch {
        // then it holds until the next page
      }
    });
  });
})();
