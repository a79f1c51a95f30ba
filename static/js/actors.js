// Makes the Actor select searchable: a text field over a list that the Hub looks up by name or id.
(() => {
  const hub = (window.hub ??= {});
  const PAUSE = 150;
  const select = document.querySelector("select[data-actors]");
  const input = document.createElement("input");
  const list = document.createElement("ul");
  let asked = 0;
  let pause = 0;

  const name = () => (select.value ? select.selectedOptions[0].textContent : "");
  const options = () => [...list.querySelectorAll('[role="option"]')];
  const active = () => list.querySelector('[aria-selected="true"]');
  const isOpen = () => !list.hidden;

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
    asked += 1;
    stopPause();
    input.setAttribute("aria-expanded", "false");
    activate(null);
    input.value = name();
  };

  const lookUp = async (search) => {
    const url = `${select.dataset.actors}?${new URLSearchParams({ search })}`;
    const headers = { "HX-Request": "true", "HX-Current-URL": location.href };
    try {
      const answer = await fetch(url, { headers });
      // Whoever is not signed in any more is led to the sign-in page, as by every other request.
      const elsewhere = answer.headers.get("HX-Redirect");
      if (elsewhere) location.assign(elsewhere);
      return answer.ok && !elsewhere ? await answer.text() : null;
    } catch {
      return null;
    }
  };

  const open = async (search) => {
    stopPause();
    const question = (asked += 1);
    const found = await lookUp(search);
    if (question !== asked) return;
    if (found !== null) list.innerHTML = found;
    else list.replaceChildren(Object.assign(document.createElement("li"), { className: "kind", role: "presentation", textContent: "The actors cannot be listed now." }));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    if (search) activate(options()[1]);
  };

  const set = (value, text) => {
    select.replaceChildren(new Option("All actors", ""));
    if (value) select.add(new Option(text, value, true, true));
    // While the list is open, the field holds what is being looked for.
    if (!isOpen()) input.value = name();
  };

  const choose = (option) => {
    set(option.dataset.value, option.dataset.name);
    close();
    select.dispatchEvent(new Event("change", { bubbles: true }));
  };

  Object.assign(input, { id: "actor-input", className: "control", type: "text", placeholder: "All actors", autocomplete: "off", spellcheck: false, value: name() });
  for (const [attribute, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", "actor-list"], ["aria-describedby", "actor-message"]]) input.setAttribute(attribute, value);
  Object.assign(list, { id: "actor-list", className: "actor-list", hidden: true, role: "listbox", ariaLabel: "Matches" });
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
      // What was typed last is not looked up yet.
      if (pause) await open(input.value);
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

  hub.setActor = set;
})();
