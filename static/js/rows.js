// A row opens its entry wherever it is clicked. The row is not covered by its link, so that its
// text can be selected and pointed at.
const linkOf = (event) => {
  if (event.target.closest("a, button")) return null;
  return event.target.closest(".entries tbody tr")?.querySelector(".open-entry") ?? null;
};

document.addEventListener("click", (event) => {
  // The click that ends a selection is no wish to open the entry.
  if (getSelection().isCollapsed) linkOf(event)?.dispatchEvent(new MouseEvent("click", event));
});

document.addEventListener("auxclick", (event) => {
  const link = event.button === 1 && linkOf(event);
  if (link) open(link.href, "_blank", "noopener");
});

// A middle click would scroll otherwise.
document.addEventListener("mousedown", (event) => {
  if (event.button === 1 && linkOf(event)) event.preventDefault();
});
