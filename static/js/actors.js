// Makes the Actor select searchable: a text field over a list that the Hub looks up by name or id.
(() => {
  const PAUSE = 150;
  const select = document.querySelector("select[data-actors]");
  if (!select) return;

  const input = document.createElement("input");
  const list = document.createElement("ul");
  let asked = 0;
  let pause;

  const name = () => (select.value ? select.selectedOptions[0].textContent : "");
  const options = () => [...list.querySelectorAll('[role="option"]')];
  const active = () => list.querySelector('[aria-selected="true"]');
  const isOpen = () => !list.hidden;

  const activate = (option) => {
    active()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  };

  const close = () => {
    list.hidden = true;
    asked += 1;
    clearTimeout(pause);
    input.setAttribute("aria-expanded", "false");
    activate(null);
    input.value = name();
  };

  const open = async (search) => {
    const question = (asked += 1);
    const url = `${select.dataset.actors}?${new URLSearchParams({ search })}`;
    let answer;
    try {
      answer = await fetch(url, { headers: { "HX-Request": "true" } });
    } catch {
      answer = { ok: false };
    }
    if (question !== asked) return;
    if (answer.ok) list.innerHTML = await answer.text();
    else list.replaceChildren(Object.assign(document.createElement("li"), { className: "kind", role: "presentation", textContent: "The actors cannot be listed now." }));
    if (question !== asked) return;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    if (search) activate(options()[1]);
  };

  const set = (value, text) => {
    select.replaceChildren(new Option("All actors", ""));
    if (value) select.add(new Option(text, value, true, true));
    input.value = name();
  };

  const choose = (option) => {
    set(option.dataset.value, option.dataset.name);
    close();
    select.dispatchEvent(new Event("change", { bubbles: true }));
  };

  Object.assign(input, { id: "actor-input", className: "control", type: "text", placeholder: "All actors", autocomplete: "off", spellcheck: false, value: name() });
  for (const [attribute, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", "actor-list"], ["aria-describedby", "actor-message"]]) input.setAttribute(attribute, value);
  Object.assign(list, { id: "actor-list", className: "actor-list", hidden: true, role: "listbox", ariaLabel: "Actors" });
  document.querySelector('label[for="actor"]').htmlFor = input.id;
  select.hidden = true;
  select.after(input, list);

  // Only the select speaks to the form: what is typed here is not a choice yet.
  for (const kind of ["input", "change"]) input.addEventListener(kind, (event) => event.stopPropagation());
  input.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => open(input.value), PAUSE);
  });
  input.addEventListener("click", () => isOpen() || open(""));
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", close);
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest('[role="option"]');
    if (option) choose(option);
  });
  input.addEventListener("keydown", async (event) => {
    if (event.key === "Escape" && isOpen()) {
      event.stopPropagation();
      close();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (pause && input.value !== name()) {
        clearTimeout(pause);
        await open(input.value);
      }
      const option = active();
      if (option) choose(option);
      else if (!input.value && select.value) choose(options()[0]);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen()) await open("");
      const all = options();
      const step = event.key === "ArrowDown" ? 1 : -1;
      const next = all.indexOf(active()) + step;
      activate(all[(next + all.length) % all.length]);
    }
  });

  window.hub = { ...window.hub, setActor: set };
})();
