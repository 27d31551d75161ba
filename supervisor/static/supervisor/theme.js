// Light, dark or as the system says: set before the first paint, and shared with the admin, which
// keeps its choice under the same name.
(() => {
  const root = document.documentElement;
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
    const button = document.getElementById("theme");
    if (button) button.title = `Theme: ${names[theme]}`;
  }

  function next(theme) {
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const order = isDark ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
    return order[(order.indexOf(theme) + 1) % order.length];
  }

  root.classList.add("js");
  apply(stored());
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
