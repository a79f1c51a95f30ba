// The list: filters apply at once, the URL follows, and Back leads back. The URL is the state:
// #results knows the one it shows, and the controls are set from it after every change.
(() => {
  const form = document.getElementById("filters");
  const failure = document.getElementById("list-failure");
  const search = document.getElementById("search");
  const foldButton = form.querySelector("[data-fold]");
  const results = () => document.getElementById("results");
  const parametersOf = (url) => new URL(url, location.href).searchParams;
  const isList = (event) => event.detail.target?.id === "results";

  // What the next list does to the history: a new step, the same step, or none.
  let step = "push";
  let isTyping = false;
  let typedLast = false;
  let lastUrl = "";

  const load = (url, how) => {
    step = how;
    htmx.ajax("GET", url, { target: "#results", swap: "outerHTML" });
  };

  const url = () => {
    const entry = window.hub.openEntry();
    const list = results().dataset.url;
    return entry ? `${list}${list.includes("?") ? "&" : "?"}entry=${entry}` : list;
  };

  // Writes where the reader is: `how` is push or replace.
  const remember = (how, address = url()) => {
    const state = { list: results().dataset.url, entry: window.hub.openEntry() };
    history[`${how}State`](state, "", address);
  };

  const setControls = () => {
    const asked = parametersOf(results().dataset.url);
    const own = asked.has("startDate") || asked.has("endDate");
    const values = { dateRange: own ? "custom" : (asked.get("dateRange") ?? "7d"), action: "", result: "", sort: "" };
    for (const [name, none] of Object.entries(values)) {
      const select = form.elements[name];
      select.value = name === "dateRange" ? none : (asked.get(name) ?? none);
      if (select.selectedIndex < 0) select.selectedIndex = name === "dateRange" ? 1 : 0;
    }
    if (document.activeElement !== search) search.value = asked.get("search") ?? "";
    window.hub.setActor(asked.get("actor") ?? "", results().dataset.actorName || asked.get("actor"));
    window.hub.setRange(asked.get("startDate"), asked.get("endDate"));
  };

  const measureBar = () =>
    document.documentElement.style.setProperty("--bar-height", `${form.offsetHeight}px`);

  // Sending the form keeps what has no control; it is in the URL, the hidden fields may be old.
  for (const kept of form.querySelectorAll("[data-kept]")) kept.remove();
  form.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt !== form) return;
    const asked = parametersOf(results().dataset.url);
    for (const name of ["cursor", "dateRange", "startDate", "endDate"]) asked.delete(name);
    for (const name of ["actor", "action", "result", "search", "sort"]) {
      const value = form.elements[name].value;
      // An exact action is no choice of Action Type; it stays until a type takes its place.
      if (name === "action" && !value && asked.get(name)?.includes(".")) continue;
      asked.set(name, value);
    }
    for (const [name, value] of Object.entries(window.hub.rangeParameters())) asked.set(name, value);
    if (asked.get("dateRange") === "7d") asked.delete("dateRange");
    for (const [name, value] of [...asked]) if (!value) asked.delete(name);
    event.detail.parameters = {};
    for (const [name, value] of asked) event.detail.parameters[name] = value;
    const next = `${form.getAttribute("action")}${asked.size ? `?${asked}` : ""}`;
    if (next === results().dataset.url) event.preventDefault();
    const typing = event.detail.triggeringEvent?.target === search;
    step = typing && typedLast ? "replace" : "push";
    isTyping = typing;
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!isList(event)) return;
    lastUrl = event.detail.pathInfo.finalRequestPath;
    results().setAttribute("aria-busy", "true");
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!isList(event)) return;
    failure.hidden = true;
    const how = step;
    step = "push";
    typedLast = isTyping;
    isTyping = false;
    if (how !== "none") {
      const moved = results().dataset.url !== history.state?.list;
      remember(how === "push" && moved ? "push" : "replace");
    }
    setControls();
    measureBar();
    window.hub.followList();
    if (event.detail.requestConfig?.elt?.hasAttribute?.("data-to-top")) scrollTo(0, 0);
  });

  const fail = (event) => {
    if (!isList(event)) return;
    results().removeAttribute("aria-busy");
    const status = event.detail.xhr?.status;
    failure.querySelector("[data-failure-text]").textContent = status
      ? "The log cannot be read now. What you see below is as it was."
      : "The Hub cannot be reached. What you see below is as it was.";
    failure.hidden = false;
  };
  for (const kind of ["responseError", "sendError", "timeout"]) {
    document.addEventListener(`htmx:${kind}`, fail);
  }
  for (const kind of ["sendAbort", "abort"]) {
    document.addEventListener(`htmx:${kind}`, () => results().removeAttribute("aria-busy"));
  }
  failure.querySelector("[data-retry]").addEventListener("click", () => load(lastUrl, step));

  // A count that fails says so in its own place; the list is not concerned.
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.target?.id === "count" && event.detail.failed) {
      event.detail.target.textContent = "of more than could be counted";
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-refresh]")) step = "replace";
    const time = event.target.closest("td.column-timestamp");
    time?.closest("tr").querySelector(".open-entry").click();
  });

  addEventListener("popstate", (event) => {
    const state = event.state;
    if (!state) return;
    typedLast = false;
    if (state.list !== results().dataset.url) load(state.list, "none");
    window.hub.showEntry(state.entry);
  });

  foldButton.addEventListener("click", () => {
    const panel = document.getElementById("fold-panel");
    const isOpen = panel.classList.toggle("is-open");
    foldButton.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) form.elements.dateRange.focus();
    measureBar();
  });

  document.addEventListener("keydown", (event) => {
    const inField = event.target.closest("input, select, textarea, [contenteditable]");
    if (event.key !== "/" || inField || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    search.focus();
  });

  new ResizeObserver(measureBar).observe(form);
  window.hub = { ...window.hub, remember };
  addEventListener("DOMContentLoaded", () => remember("replace", location.href));
})();
