// Keyboard shortcuts of one key each. Their keys can be changed or emptied in a dialog, and are
// kept in the browser; all of them can be switched off (WCAG 2.1.4).
import { announce } from "./announce.js";

const STORED = "shortcut-keys";
const DEFAULTS = { search: "/", next: "j", previous: "k", values: "m", help: "?" };
const dialog = document.getElementById("shortcuts");
const fields = [...dialog.querySelectorAll("[data-key]")];
const message = dialog.querySelector("[data-message]");

const isTyping = (event) => event.target.closest("input, select, textarea");
const hasModifier = (event) => event.ctrlKey || event.metaKey || event.altKey;
const areOff = () => document.documentElement.hasAttribute("data-shortcuts-off");

const read = () => {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(STORED)) };
  } catch {
    return { ...DEFAULTS };
  }
};
let keys = read();

const store = () => {
  try {
    localStorage.setItem(STORED, JSON.stringify(keys));
  } catch {
    // Without storage a choice lasts as long as the page.
  }
};

const showKeys = () => {
  for (const field of fields) field.value = keys[field.dataset.key].toUpperCase();
  for (const hint of document.querySelectorAll("[data-help-key]")) hint.textContent = keys.help;
};

const step = (id, end) => {
  const link = document.getElementById(id);
  if (link?.hasAttribute("href")) link.click();
  else if (link) announce(end);
};

const showDialog = () => {
  message.textContent = "";
  showKeys();
  dialog.showModal();
};

const actions = {
  search: () => document.getElementById("search").focus(),
  next: () => step("entry-next", "This is the last entry on this page"),
  previous: () => step("entry-previous", "This is the first entry of the list"),
  values: () => document.activeElement.dispatchEvent(new Event("showvalues", { bubbles: true })),
  help: showDialog,
};
const areOfDrawer = new Set(["next", "previous"]);

document.addEventListener("keydown", (event) => {
  if (areOff() || event.defaultPrevented || isTyping(event) || hasModifier(event)) return;
  const key = event.key.toLowerCase();
  const action = Object.keys(keys).find((name) => keys[name] === key);
  const isPossible = areOfDrawer.has(action)
    ? document.getElementById("drawer").open && !dialog.open
    : !document.querySelector("dialog:modal");
  if (!action || !isPossible) return;
  event.preventDefault();
  actions[action]();
});

dialog.addEventListener("input", ({ target }) => {
  const key = target.value.trim().toLowerCase();
  const { key: name } = target.dataset;
  const other = fields.find(({ dataset }) => dataset.key !== name && keys[dataset.key] === key);
  if (key && other) {
    message.textContent = `${key.toUpperCase()} is taken: ${other.labels[0].textContent}.`;
    target.value = keys[name].toUpperCase();
    return;
  }
  keys[name] = key;
  message.textContent = key ? "Saved." : "Saved: it has no key.";
  store();
});

dialog.querySelector("[data-reset]").addEventListener("click", () => {
  keys = { ...DEFAULTS };
  store();
  showKeys();
  message.textContent = "Every shortcut has its usual key.";
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-shortcuts]")) showDialog();
  if (event.target === dialog) dialog.close();
});
