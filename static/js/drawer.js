// The drawer: beside the list where there is room, over it where there is not. The address names
// the entry that it is open with; closing it gives the focus back to the entry's row.
(() => {
  const hub = (window.hub ??= {});
  const drawer = document.getElementById("drawer");
  const body = document.getElementById("drawer-body");
  const failure = document.getElementById("drawer-failure");
  const wide = matchMedia("(min-width: 1280px)");
  const isDrawer = ({ detail }) => detail.target === body;
  const rowOf = (id) => document.getElementById(`entry-${id}`);

  let entry = "";
  let isOpen = false;
  // The row of the entry, or of the last one that had a row on this page of the list.
  let row = null;
  // What an entry that a script asks for does to the history.
  let ordered = "";
  let last = {};

  const load = (wanted, how) => {
    const list = new URL(document.getElementById("results").dataset.url, location.href);
    ordered = how;
    // What goes wrong is told by the events below.
    htmx.ajax("GET", `${list.pathname}/${encodeURIComponent(wanted)}${list.search}`, { source: drawer, target: "#drawer-body", swap: "innerHTML" }).catch(() => {});
    ordered = "";
  };

  const mark = () => {
    for (const marked of document.querySelectorAll('tr[aria-current="true"]')) marked.removeAttribute("aria-current");
    if (!entry) return;
    row = rowOf(entry) ?? row;
    rowOf(entry)?.setAttribute("aria-current", "true");
  };

  const open = () => {
    if (drawer.open) drawer.close();
    if (wide.matches) drawer.show();
    else drawer.showModal();
    isOpen = true;
    document.getElementById("drawer-title")?.focus({ preventScroll: true });
  };

  // Closes what is open, by the browser already or not, and leaves the history as it is.
  const shut = () => {
    htmx.trigger(drawer, "htmx:abort");
    if (!isOpen) return;
    isOpen = false;
    drawer.close();
    entry = "";
    failure.hidden = true;
    body.replaceChildren();
    mark();
    const link = row?.isConnected && row.querySelector(".open-entry");
    (link || document.getElementById("main")).focus({ preventScroll: true });
    row = null;
  };

  const close = () => {
    if (!isOpen) return;
    shut();
    if (!history.state?.entry) return;
    if (history.state.opened) hub.stepBack();
    else hub.remember("replace");
  };

  document.addEventListener("htmx:configRequest", (event) => {
    if (!isDrawer(event)) return;
    const { detail } = event;
    detail.entry = decodeURIComponent(new URL(detail.path, location.href).pathname.split("/").pop());
    detail.how = ordered || (entry ? "replace" : "push");
    detail.takesFocus = !detail.elt.closest("#drawer");
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!isDrawer(event)) return;
    last = event.detail.requestConfig;
    body.setAttribute("aria-busy", "true");
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!isDrawer(event)) return;
    const asked = event.detail.requestConfig;
    const isOther = asked.entry !== entry;
    entry = asked.entry;
    failure.hidden = true;
    body.removeAttribute("aria-busy");
    if (!isOpen) open();
    else if (asked.takesFocus) document.getElementById("drawer-title").focus({ preventScroll: true });
    if (asked.how !== "none") hub.remember(asked.how, { opened: asked.how === "push" });
    mark();
    if (!isOther) return;
    drawer.scrollTop = 0;
    rowOf(entry)?.scrollIntoView({ block: "nearest" });
  });

  const fail = (event) => {
    if (!isDrawer(event)) return;
    body.removeAttribute("aria-busy");
    failure.hidden = false;
    drawer.scrollTop = 0;
    if (!isOpen) open();
  };
  for (const kind of ["responseError", "sendError", "timeout"]) {
    document.addEventListener(`htmx:${kind}`, fail);
  }
  document.addEventListener("htmx:sendAbort", (event) => {
    if (isDrawer(event)) body.removeAttribute("aria-busy");
  });
  failure.querySelector("[data-retry]").addEventListener("click", () => load(last.entry, last.how));

  drawer.addEventListener("click", (event) => {
    const closes = event.target.closest("[data-close]");
    // A click beside a modal dialog arrives at the dialog itself.
    const isBeside = event.target === drawer && event.clientX < drawer.getBoundingClientRect().left;
    if (!closes && !isBeside) return;
    event.preventDefault();
    close();
  });
  // Esc closes a modal dialog without asking. The event comes late: it may be open again.
  drawer.addEventListener("close", () => drawer.open || close());

  document.addEventListener("keydown", (event) => {
    if (!isOpen || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) return;
    if (event.key === "Escape" && !drawer.matches(":modal")) close();
    const id = { j: "entry-next", k: "entry-previous" }[event.key.toLowerCase()];
    if (id) document.getElementById(id)?.click();
  });

  // The time of a row lies above the row's link, so that it can be pointed at; a click passes on.
  document.addEventListener("click", (event) => {
    const time = event.target.closest("td.column-timestamp");
    time?.closest("tr").querySelector(".open-entry").dispatchEvent(new MouseEvent("click", event));
  });

  // A modal drawer that gets room goes beside the list, and the other way round.
  wide.addEventListener("change", () => isOpen && open());

  Object.assign(hub, {
    openEntry: () => entry,
    // Shows the entry that the address names. `anew` where the list has changed around it: its row
    // and its neighbours may be others now.
    showEntry: (wanted, anew = false) => {
      if (!wanted) shut();
      else if (anew || wanted !== entry) load(wanted, "none");
      else htmx.trigger(drawer, "htmx:abort");
    },
  });

  if (drawer.open) {
    entry = new URLSearchParams(location.search).get("entry") ?? "";
    open();
    mark();
  }
})();
