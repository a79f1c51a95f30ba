// The filter bar: which list its controls ask for, and how they follow the list that is shown.
import { setActor } from "./actors.js";
import { listAddress } from "./address.js";
import { rangeParameters, setRange } from "./range.js";

const form = document.getElementById("filters");
const search = document.getElementById("search");
const foldButton = form.querySelector("[data-fold]");
const panel = document.getElementById("fold-panel");

// A value that no control can show stays until the control is given another one.
const hasNoOption = {
  action: (value) => value.includes("."),
  sort: (value) => value === "-timestamp",
};

// Without scripts the form itself keeps the filters that have no control; here the address does.
for (const kept of form.querySelectorAll("[data-kept]")) kept.remove();

export const isTypedIn = (element) => element === search || element?.id === "range";

// Changes the parameters of the list that is shown to those of the controls, each in its place.
export const filterParameters = (parameters) => {
  parameters.delete("cursor");
  // That a search is for words alone was said of the search before.
  if (search.value !== parameters.get("search")) parameters.delete("words");
  for (const name of ["actor", "action", "result", "search", "sort"]) {
    const { value } = form.elements[name];
    if (value || !hasNoOption[name]?.(parameters.get(name) ?? "")) parameters.set(name, value);
  }
  for (const [name, value] of Object.entries(rangeParameters())) parameters.set(name, value);
  const empty = Array.from(parameters.keys()).filter((name) => !parameters.get(name));
  for (const name of empty) parameters.delete(name);
  return parameters;
};

const unfold = (isOpen) => {
  panel.classList.toggle("is-open", isOpen);
  form.classList.toggle("is-unfolded", isOpen);
  foldButton.setAttribute("aria-expanded", String(isOpen));
};

// A message at a control is never folded away with it.
const unfoldMessages = () => {
  if (panel.querySelector(".field-message:not(:empty)")) unfold(true);
};

// Sets the controls from the list that is shown. A field that is being typed in is ahead of it.
export const followList = (isBack) => {
  const parameters = new URL(listAddress(), location.href).searchParams;
  for (const name of ["action", "result", "sort"]) {
    const select = form.elements[name];
    const value = parameters.get(name) ?? "";
    const summary = document.getElementById("results").dataset[`${name}Summary`];
    select.querySelector("[data-several]")?.remove();
    if (summary) {
      const several = new Option(summary, value);
      several.dataset.several = "";
      select.add(several);
    }
    select.value = value;
    if (select.selectedIndex < 0) select.selectedIndex = 0;
  }
  if (isBack || document.activeElement !== search) search.value = parameters.get("search") ?? "";
  const actor = parameters.get("actor") ?? "";
  setActor(actor, document.getElementById("results").dataset.actorName || actor);
  setRange(parameters, isBack);
  unfoldMessages();
};

const measureBar = () =>
  document.documentElement.style.setProperty("--bar-height", `${form.offsetHeight}px`);

foldButton.addEventListener("click", () => {
  unfold(!panel.classList.contains("is-open"));
  if (panel.classList.contains("is-open")) form.elements.dateRange.focus();
});

unfoldMessages();
new ResizeObserver(measureBar).observe(form);
