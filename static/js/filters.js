// The filter bar: what its controls ask for, and how they follow the list that is shown.
(() => {
  const hub = (window.hub ??= {});
  const form = document.getElementById("filters");
  const search = document.getElementById("search");
  const foldButton = form.querySelector("[data-fold]");
  const panel = document.getElementById("fold-panel");
  const results = () => document.getElementById("results");

  // What no control can show stays until the control is given a value.
  const isBeyond = {
    action: (value) => value.includes("."),
    sort: (value) => value === "-timestamp",
  };

  // Without scripts the form itself keeps what has no control; here the address does.
  for (const kept of form.querySelectorAll("[data-kept]")) kept.remove();

  // Brings the parameters of the list that is shown to what the controls ask for, each in its place.
  const askedParameters = (asked) => {
    asked.delete("cursor");
    for (const name of ["actor", "action", "result", "search", "sort"]) {
      const { value } = form.elements[name];
      if (value || !isBeyond[name]?.(asked.get(name) ?? "")) asked.set(name, value);
    }
    for (const [name, value] of Object.entries(hub.rangeParameters())) asked.set(name, value);
    for (const [name, value] of [...asked]) if (!value) asked.delete(name);
    return asked;
  };

  // Sets the controls from the address. A field that is being typed in is ahead of the list.
  const followAddress = (isBack) => {
    const asked = new URL(results().dataset.url, location.href).searchParams;
    for (const name of ["action", "result", "sort"]) {
      const select = form.elements[name];
      select.value = asked.get(name) ?? "";
      if (select.selectedIndex < 0) select.selectedIndex = 0;
    }
    if (isBack || document.activeElement !== search) search.value = asked.get("search") ?? "";
    hub.setActor(asked.get("actor") ?? "", results().dataset.actorName || asked.get("actor"));
    hub.setRange(asked, isBack);
    unfoldMessages();
  };

  const measureBar = () =>
    document.documentElement.style.setProperty("--bar-height", `${form.offsetHeight}px`);

  const unfold = (isOpen) => {
    panel.classList.toggle("is-open", isOpen);
    foldButton.setAttribute("aria-expanded", String(isOpen));
  };
  // A message at a control is never folded away with it.
  const unfoldMessages = () => {
    if (panel.querySelector(".field-message:not(:empty)")) unfold(true);
  };
  foldButton.addEventListener("click", () => {
    unfold(!panel.classList.contains("is-open"));
    if (panel.classList.contains("is-open")) form.elements.dateRange.focus();
  });

  document.addEventListener("keydown", (event) => {
    const inField = event.target.closest("input, select, textarea");
    if (event.key !== "/" || inField || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog:modal")) return;
    event.preventDefault();
    search.focus();
  });

  unfoldMessages();
  new ResizeObserver(measureBar).observe(form);
  Object.assign(hub, {
    askedParameters,
    followAddress,
    isTypedIn: (element) => element === search || element?.id === "range",
  });
})();
