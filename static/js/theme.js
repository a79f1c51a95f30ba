// Runs before the first paint: the chosen theme, and the mark that scripts run.
(() => {
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };

  const apply = (theme) => {
    if (theme) root.dataset.theme = theme;
    const dark = theme ? theme === "dark" : prefersDark.matches;
    root.toggleAttribute("data-dark", dark);
    for (const label of document.querySelectorAll("[data-theme-label]")) {
      label.textContent = dark ? "Light theme" : "Dark theme";
    }
  };

  root.classList.add("js");
  apply(stored());
  document.addEventListener("DOMContentLoaded", () => apply(stored()));
  prefersDark.addEventListener("change", () => apply(stored()));
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const theme = root.hasAttribute("data-dark") ? "light" : "dark";
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    apply(theme);
  });
})();
