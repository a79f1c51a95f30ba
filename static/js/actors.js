// Makes the Actor select a combobox: a text field over a list that the Hub looks up by name or id.
// Its keys are those of the ARIA pattern for an editable combobox with a list.
import { announce } from "./announce.js";

const PAUSE = 150;
const select = document.querySelector("select[data-actors]");
const template = document.getElementById("actor-combobox");
select.after(template.content.cloneNode(true));
const input = document.getElementById("actor-input");
const list = document.getElementById("actor-list");
const clear = document.getElementById("actor-clear");
// The last look-up: one that is out of date neither shows its answer nor holds a connection.
let lookingUp = new AbortController();
let pause = 0;

const name = () => (select.value ? select.selectedOptions[0].textContent.trim() : "");
const options = () => [...list.querySelectorAll('[role="option"]')];
const active = () => list.querySelector('[aria-selected="true"]');
const isOpen = () => !list.hidden;

const showName = () => {
  input.value = name();
  input.title = input.value;
  clear.hidden = !select.value;
};

const stopPause = () => {
  clearTimeout(pause);
  pause = 0;
};

const activate = (option) => {
  active()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
};

const close = () => {
  list.hidden = true;
  // An answer that is still on its way must not open the list again.
  lookingUp.abort();
  stopPause();
  input.setAttribute("aria-expanded", "false");
  activate(null);
  showName();
};

const lookUp = async (search, signal) => {
  const url = `${select.dataset.actors}?${new URLSearchParams({ search })}`;
  const headers = { "HX-Request": "true", "HX-Current-URL": location.href };
  try {
    const response = await fetch(url, { headers, signal });
    // Once the session is over, the answer leads to the sign-in page.
    const elsewhere = response.headers.get("HX-Redirect");
    if (elsewhere) location.assign(elsewhere);
    return response.ok && !elsewhere ? await response.text() : null;
  } catch {
    return null;
  }
};

const showFailure = () => {
  const item = document.createElement("div");
  Object.assign(item, { className: "kind", role: "presentation" });
  item.textContent = "The actors cannot be listed now.";
  list.replaceChildren(item);
};

const open = async (search) => {
  stopPause();
  lookingUp.abort();
  lookingUp = new AbortController();
  const { signal } = lookingUp;
  const html = await lookUp(search, signal);
  if (signal.aborted) return;
  if (html === null) showFailure();
  else list.innerHTML = html;
  list.hidden = false;
  input.setAttribute("aria-expanded", "true");
  announce(list.querySelector("[data-status]")?.dataset.status ?? list.textContent.trim());
  if (search) activate(options()[1]);
};

export const setActor = (value, text) => {
  select.replaceChildren(new Option("All actors", ""));
  if (value) select.add(new Option(text, value, true, true));
  // While the list is open, the field holds what is being looked for.
  if (!isOpen()) showName();
};

const choose = (value, text) => {
  setActor(value, text);
  close();
  select.dispatchEvent(new Event("change", { bubbles: true }));
};

const chooseOption = (option) => choose(option.dataset.value, option.dataset.name);

const move = async (key) => {
  if (!isOpen()) await open("");
  const all = options();
  const current = all.indexOf(active());
  const step = key === "ArrowDown" ? 1 : -1;
  activate(all.at((Math.max(current, step < 0 ? 0 : -1) + step) % all.length));
};

document.querySelector('label[for="actor"]').htmlFor = input.id;
select.hidden = true;
showName();

// Only the select belongs to the form: what is typed here is not a choice yet.
for (const kind of ["input", "change"]) {
  input.addEventListener(kind, (event) => event.stopPropagation());
}
input.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(() => open(input.value), PAUSE);
});
input.addEventListener("click", () => isOpen() || open(""));
input.addEventListener("focus", () => input.select());
input.addEventListener("blur", close);
clear.addEventListener("click", () => {
  choose("", "");
  input.focus();
});
list.addEventListener("pointerdown", (event) => event.preventDefault());
list.addEventListener("click", (event) => {
  const option = event.target.closest('[role="option"]');
  if (option) chooseOption(option);
});
input.addEventListener("keydown", async (event) => {
  if (event.key === "Escape" && isOpen()) {
    // The drawer is closed by the next one.
    event.stopPropagation();
    close();
  } else if (event.key === "Enter") {
    event.preventDefault();
    // What was typed last may not be looked up yet.
    if (pause) await open(input.value);
    const option = active();
    if (option) chooseOption(option);
    else if (!input.value && select.value) choose("", "");
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    await move(event.key);
  } else if ((event.key === "Home" || event.key === "End") && isOpen() && !event.shiftKey) {
    event.preventDefault();
    activate(options().at(event.key === "Home" ? 0 : -1));
  }
});
