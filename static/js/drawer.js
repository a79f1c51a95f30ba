// The drawer: beside the list where there is room, over it where there is not. It is open exactly
// while the URL names an entry; closing it gives the focus back to the entry's row.
(() => {
  const drawer = document.getElementById("drawer");
  const body = document.getElementById("drawer-body");
  const wide = matchMedia("(min-width: 1280px)");
  const isDrawer = (event) => event.detail.target === body;

  const openEntry = () =>
    drawer.open ? (body.querySelector("[data-entry]")?.dataset.entry ?? asked) : "";
  const rowOf = (entry) => document.getElementById(`entry-${entry}`);
  // The entry that was asked for last; it may turn out not to exist.
  let asked = new URLSearchParams(location.search).get("entry") ?? "";
  // What the next entry does to the history.
  let step = "push";
  let takesFocus = true;

  const urlOf = (entry) => {
    const list = new URL(document.getElementById("results").dataset.url, location.href);
    return `${list.pathname}/${encodeURIComponent(entry)}${list.search}`;
  };

  const load = (entry, how) => {
    step = how;
    asked = entry;
    htmx.ajax("GET", urlOf(entry), { target: "#drawer-body", swap: "innerHTML" });
  };

  const mark = () => {
    for (const row of document.querySelectorAll('tr[aria-current="true"]')) row.removeAttribute("aria-current");
    const entry = openEntry();
    if (entry) rowOf(entry)?.setAttribute("aria-current", "true");
  };

  const open = () => {
    if (drawer.open) drawer.close();
    if (wide.matches) drawer.show();
    else drawer.showModal();
  };

  const close = (how) => {
    if (!drawer.open) return;
    const entry = openEntry();
    drawer.close();
    asked = "";
    body.replaceChildren();
    mark();
    if (how) window.hub.remember(how);
    (rowOf(entry)?.querySelector(".open-entry") ?? document.getElementById("main")).focus({ preventScroll: Boolean(rowOf(entry)) && wide.matches });
  };

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!isDrawer(event)) return;
    const path = new URL(event.detail.pathInfo.finalRequestPath, location.href).pathname;
    asked = decodeURIComponent(path.split("/").pop());
    takesFocus = !event.detail.elt.closest("#drawer") || !event.detail.elt.id;
    if (drawer.open && step === "push") step = "replace";
    body.setAttribute("aria-busy", "true");
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!isDrawer(event)) return;
    body.removeAttribute("aria-busy");
    body.scrollTop = drawer.scrollTop = 0;
    const how = step;
    step = "push";
    if (!drawer.open) open();
    if (how !== "none") window.hub.remember(how);
    mark();
    rowOf(openEntry())?.scrollIntoView({ block: "nearest" });
    if (takesFocus) document.getElementById("drawer-title").focus({ preventScroll: true });
  });

  const fail = (event) => {
    if (!isDrawer(event)) return;
    body.removeAttribute("aria-busy");
    const text = document.createElement("p");
    text.className = "banner banner-failure";
    text.role = "alert";
    text.textContent = "The entry cannot be read now. Try again in a moment.";
    for (const old of body.querySelectorAll(".banner-failure")) old.remove();
    body.append(text);
    if (!drawer.open) open();
  };
  for (const kind of ["responseError", "sendError", "timeout"]) {
    document.addEventListener(`htmx:${kind}`, fail);
  }

  drawer.addEventListener("click", (event) => {
    const closes = event.target.closest("[data-close]");
    // A click beside a modal dialog arrives at the dialog itself.
    const beside = event.target === drawer && event.clientX < drawer.getBoundingClientRect().left;
    if (!closes && !beside) return;
    event.preventDefault();
    close("push");
  });
  drawer.addEventListener("cancel", (event) => {
    event.preventDefault();
    close("push");
  });

  document.addEventListener("keydown", (event) => {
    if (!drawer.open || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && wide.matches) {
      event.preventDefault();
      close("push");
      return;
    }
    if (event.target.closest("input, select, textarea")) return;
    const id = { j: "entry-next", k: "entry-previous" }[event.key];
    if (id) document.getElementById(id)?.click();
  });

  // A modal drawer that gets room goes beside the list, and the other way round.
  wide.addEventListener("change", () => drawer.open && open());

  window.hub = {
    ...window.hub,
    openEntry,
    showEntry: (entry) => {
      if (!entry) close("");
      else if (entry !== openEntry()) load(entry, "none");
    },
    // The list has changed: the row and the neighbours of the open entry may be others now.
    followList: () => {
      mark();
      if (!drawer.open) return;
      takesFocus = false;
      load(openEntry(), "none");
    },
  };

  if (drawer.open) {
    open();
    mark();
  }
})();
