// Menus that are <details>: one is open at a time, and Esc or a click elsewhere closes it.
const openMenus = () => document.querySelectorAll("details[data-menu][open]");

const close = (menu) => {
  const hadFocus = menu.contains(document.activeElement);
  menu.open = false;
  if (hadFocus) menu.querySelector("summary").focus();
};

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  if (event.target.closest("[data-print], [data-shortcuts]")) {
    for (const menu of openMenus()) menu.open = false;
  }
  if (event.target.closest("[data-print]")) print();
});

// Before the page's own keys, so that Esc closes the menu and not the drawer beside it.
document.addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Escape") return;
    const menus = [...openMenus()];
    if (!menus.length) return;
    event.preventDefault();
    event.stopPropagation();
    for (const menu of menus) close(menu);
  },
  { capture: true },
);
