// The menu of a value: only this, also this, exclude, copy, open. There is one menu for the page. In
// a row a chevron follows the pointer, and a key lists the row's values; beside the fields of an
// entry each value has a button of its own.
import { readStyles } from "./styles.js";
import { MAX_VALUES, format, parse } from "./values.js";

const GAP = 6;
const EDGE = 8;
const menu = document.getElementById("value-menu");
const title = menu.querySelector("[data-name]");
const about = menu.querySelector("[data-about]");
const [actions, values] = menu.querySelectorAll('[role="menu"]');
const { htmx } = window;
const number = document.getElementById("value-count");
// Around the value under the pointer.
const frame = document.getElementById("value-frame");
const chevron = frame.querySelector("button");
const touch = matchMedia("(max-width: 767px), (pointer: coarse)");
let framed = null;
// What the menu stands at, and what gets the focus back.
let anchor = null;
let opener = null;
let listed = [];

const isOpen = () => opener !== null;
const results = () => document.getElementById("results");

// A value is called what its column, its field or its key is called.
const labelOf = (element) => {
  const cell = element.closest("td");
  const named = cell
    ? cell.closest("table").tHead.rows[0].cells[cell.cellIndex]
    : (element.closest(".node")?.querySelector(".key") ??
      element.closest(".fields > div").querySelector("dt"));
  return named.textContent.trim();
};

const describe = (element) => {
  const { filter, value, open } = element.dataset;
  const shown = element.textContent.trim();
  // A type is a value of the filter of actions.
  const name = filter === "type" ? "action" : filter;
  return { name, label: labelOf(element), text: value ?? shown, shown, open };
};

const listWith = (url, name, wanted, unwanted) => {
  const parameters = new URLSearchParams(url.search);
  parameters.delete("cursor");
  parameters.set(name, format(wanted, unwanted));
  return `${url.pathname}?${parameters}`;
};

const offer = (action, href, why) => {
  const item = actions.querySelector(`[data-do="${action}"]`);
  if (why) item.removeAttribute("href");
  else item.href = href;
  item.setAttribute("aria-disabled", String(Boolean(why)));
  item.querySelector("small").textContent = why;
};

// How many entries the list would have; nothing is said where they cannot be counted.
const countIn = (list) => {
  number.replaceChildren();
  const parameters = new URL(list, location.href).searchParams;
  const known = results()?.dataset.known;
  if (known) parameters.set("known", known);
  const how = { source: number, target: number, swap: "innerHTML", select: ".number" };
  htmx.ajax("GET", `${menu.dataset.count}?${parameters}`, how).catch(() => {});
};

const offerLists = ({ name, text }) => {
  const url = new URL(results()?.dataset.url ?? menu.dataset.list, location.href);
  const { wanted, unwanted } = parse(url.searchParams.get(name) ?? "");
  const others = (side) => side.filter((each) => each !== text);
  const isWanted = wanted.includes(text);
  const isAlone = isWanted && wanted.length + unwanted.length === 1;
  const isFull = wanted.length + unwanted.length >= MAX_VALUES ? `${MAX_VALUES} at most` : "";
  const none = wanted.length ? "" : "none chosen yet";
  const only = listWith(url, name, [text], []);
  const also = listWith(url, name, [...others(wanted), text], others(unwanted));
  const exclude = listWith(url, name, others(wanted), [...others(unwanted), text]);
  offer("only", only, isAlone ? "chosen already" : "");
  countIn(only);
  offer("also", also, isWanted ? "chosen already" : none || isFull);
  const isExcluded = unwanted.includes(text);
  offer("exclude", exclude, isExcluded ? "excluded already" : isWanted ? "" : isFull);
};

// A value takes the whole width of its cell, and may be cut: the box is that of the text in sight.
const boxOf = (element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  const text = range.getBoundingClientRect();
  const cell = (element.closest("td") ?? element).getBoundingClientRect();
  const { left, top, bottom, height } = text;
  return { left, top, bottom, height, right: Math.min(text.right, cell.right) };
};

const place = () => {
  const box = boxOf(anchor);
  const { offsetWidth: width, offsetHeight: height } = menu;
  const isRoomBelow = box.bottom + GAP + height <= innerHeight - EDGE;
  const top = isRoomBelow ? box.bottom + GAP : box.top - GAP - height;
  menu.style.left = `${Math.max(EDGE, Math.min(box.left, innerWidth - width - EDGE))}px`;
  menu.style.top = `${Math.max(EDGE, Math.min(top, innerHeight - height - EDGE))}px`;
};

const items = () => [
  ...menu.querySelectorAll('[role="menu"]:not([hidden]) [role="menuitem"]:not([hidden])'),
];

const show = (list) => {
  actions.hidden = list !== actions;
  values.hidden = list !== values;
  place();
  items()[0].focus({ preventScroll: true });
};

const showActions = (element) => {
  const value = describe(element);
  title.textContent = value.shown;
  about.textContent = value.shown === value.text ? value.label : `${value.label} · ${value.text}`;
  offerLists(value);
  const copy = actions.querySelector("[data-copied]");
  copy.dataset.copyText = value.text;
  copy.dataset.copied = `${value.label} copied`;
  copy.querySelector("bdi").textContent = value.text;
  const open = actions.querySelector('[data-do="open"]');
  open.hidden = !value.open;
  if (value.open) open.href = value.open;
  show(actions);
};

const showValues = (elements) => {
  title.textContent = "Values of this entry";
  about.textContent = "";
  listed = elements;
  const made = elements.map((element) => {
    const { label, shown } = describe(element);
    const item = Object.assign(document.createElement("button"), { type: "button", tabIndex: -1 });
    item.className = "value-item";
    item.setAttribute("role", "menuitem");
    item.setAttribute("aria-haspopup", "menu");
    const small = Object.assign(document.createElement("small"), { textContent: label });
    const text = Object.assign(document.createElement("bdi"), { textContent: shown });
    item.append(small, text);
    return item;
  });
  values.replaceChildren(...made);
  show(values);
};

const close = () => {
  if (!isOpen()) return;
  const hadFocus = menu.contains(document.activeElement);
  opener.removeAttribute("aria-expanded");
  menu.hidePopover();
  if (hadFocus) opener.focus({ preventScroll: true });
  opener = null;
};

const openAt = (element, from) => {
  close();
  anchor = element;
  opener = from;
  opener.setAttribute("aria-expanded", "true");
  // While a dialog is modal, nothing outside it can be used.
  (opener.closest("dialog:modal") ?? document.getElementById("main")).append(menu);
  menu.showPopover();
};

const unframe = () => {
  framed = null;
  frame.hidden = true;
};

const openRow = (row, from) => {
  unframe();
  openAt(from, from);
  showValues([...row.querySelectorAll("[data-filter]")]);
};

const openValue = (element, from) => {
  openAt(element, from);
  showActions(element);
};

const enclose = (element) => {
  framed = element;
  const { label, shown } = describe(element);
  chevron.setAttribute("aria-label", `Filter by ${label}: ${shown}`);
  frame.hidden = false;
  const box = boxOf(element);
  // At the end of the cell, where the middle of no link is.
  const { right } = element.closest("td").getBoundingClientRect();
  frame.style.left = `${box.left + scrollX - GAP}px`;
  frame.style.top = `${box.top + scrollY - 2}px`;
  frame.style.width = `${right - box.left + GAP}px`;
  frame.style.height = `${box.height + 4}px`;
};

document.addEventListener("pointerover", ({ target, pointerType }) => {
  if (isOpen() || pointerType === "touch" || frame.contains(target)) return;
  const value = target.closest(".entries [data-filter]");
  if (value) enclose(value);
  else unframe();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest(".value-more");
  if (!button) return;
  const row = button.closest("tr");
  if (opener === button) close();
  else if (row) openRow(row, button);
  else if (button !== chevron)
    openValue(button.closest("[data-filter]") ?? button.previousSibling, button);
  else if (framed) openValue(framed, framed.closest("tr").querySelector(".open-entry"));
});

document.addEventListener("showvalues", ({ target }) => {
  const row = target.closest(".entries tbody tr");
  if (row) openRow(row, target);
});

document.addEventListener("pointerdown", ({ target }) => {
  if (isOpen() && !menu.contains(target) && target.closest(".value-more") !== opener) close();
});

menu.addEventListener("click", async (event) => {
  const item = event.target.closest('[role="menuitem"]');
  if (!item || item.getAttribute("aria-disabled") === "true") return;
  if (values.contains(item)) {
    showActions(listed[items().indexOf(item)]);
    return;
  }
  const isFilter = ["only", "also", "exclude"].includes(item.dataset.do);
  // A list behind a modal drawer could not be seen: there the link is followed.
  const isFollowed = !isFilter || !results() || document.querySelector("dialog:modal");
  if (!isFollowed) event.preventDefault();
  close();
  if (isFollowed) return;
  unframe();
  results().focus({ preventScroll: true });
  const { load } = await import("./list.js");
  load(item.getAttribute("href"), "push");
});

const steps = {
  ArrowDown: (at, count) => (at + 1) % count,
  ArrowUp: (at, count) => (at + count - 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

// Before the page's own keys, so that Esc closes the menu and not the drawer beside it.
const onKey = (event) => {
  if (!isOpen() || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = items();
  const letter = event.key.toUpperCase();
  const chosen =
    event.key === " "
      ? document.activeElement
      : all.find((item) => item.getAttribute("aria-keyshortcuts") === letter);
  event.stopPropagation();
  if (event.key === "Tab") close();
  if (event.key === "Tab" || event.key === "Enter") return;
  event.preventDefault();
  if (event.key === "Escape") close();
  else if (steps[event.key]) {
    all[steps[event.key](all.indexOf(document.activeElement), all.length)].focus();
  } else chosen?.click();
};
document.addEventListener("keydown", onKey, { capture: true });

for (const kind of ["scroll", "resize"]) {
  addEventListener(kind, () => isOpen() && place(), { capture: true });
}

const buttonFor = (name) => {
  const button = chevron.cloneNode(true);
  button.removeAttribute("tabindex");
  button.setAttribute("aria-label", name);
  return button;
};

const equip = () => {
  if (framed && !framed.isConnected) unframe();
  if (isOpen() && !opener.isConnected) close();
  for (const value of document.querySelectorAll("[data-filter]:not(.has-menu, .entries *)")) {
    const { label, shown } = describe(value);
    const button = buttonFor(`Filter by ${label}: ${shown}`);
    value.classList.add("has-menu");
    // A button within a link would be part of it.
    if (value.matches("a")) value.after(button);
    else value.append(button);
  }
  if (!touch.matches) return;
  for (const cell of document.querySelectorAll("tbody .column-result:not(:has(.value-more))")) {
    cell.append(buttonFor("Filter by a value of this entry"));
  }
};

const start = () => {
  equip();
  new MutationObserver(equip).observe(document.body, { childList: true, subtree: true });
  // With the drawer the list changes its width, and the cells in it their ends.
  const list = document.querySelector(".list");
  if (list) new ResizeObserver(() => framed?.isConnected && enclose(framed)).observe(list);
  // The value whose hovering has called for this script.
  const value = document.querySelector(".entries [data-filter]:hover");
  if (value && !touch.matches) enclose(value);
};
readStyles(menu.dataset.styles).then(start);
