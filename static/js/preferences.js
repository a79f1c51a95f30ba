// Runs before the first paint, so it is no module: the chosen theme, and the mark that scripts run.
(() => {
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const stored = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  };
  const store = (name, value) => {
    try {
      localStorage.setItem(name, value);
    } catch {
      // Without storage a choice lasts as long as the page.
    }
  };

  const applyTheme = (theme) => {
    if (theme) root.dataset.theme = theme;
    const isDark = theme ? theme === "dark" : prefersDark.matches;
    root.toggleAttribute("data-dark", isDark);
    for (const label of document.querySelectorAll("[data-theme-label]")) {
      label.textContent = isDark ? "Light theme" : "Dark theme";
    }
  };

  // Speech input types single characters, so their shortcuts can be switched off (WCAG 2.1.4).
  const applyShortcuts = (choice) => {
    const areOff = choice === "off";
    root.toggleAttribute("data-shortcuts-off", areOff);
    for (const label of document.querySelectorAll("[data-shortcuts-label]")) {
      label.textContent = areOff ? "Turn shortcuts on" : "Turn shortcuts off";
    }
  };

  const applyAll = () => {
    applyTheme(stored("theme"));
    applyShortcuts(stored("shortcuts"));
  };

  root.classList.add("js");
  applyAll();
  document.addEventListener("DOMContentLoaded", applyAll);
  prefersDark.addEventListener("change", applyAll);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-switch]")) {
      const theme = root.hasAttribute("data-dark") ? "light" : "dark";
      store("theme", theme);
      applyTheme(theme);
    } else if (event.target.closest("[data-shortcuts-switch]")) {
      const choice = root.hasAttribute("data-shortcuts-off") ? "on" : "off";
      store("shortcuts", choice);
      applyShortcuts(choice);
    }
  });
})();
