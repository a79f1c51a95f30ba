// The drawer: beside the list where there is room, over it where there is not. The address names
// the entry that it is open with; closing it gives the focus back to the entry's row.
import { listAddress, nameTab, openEntry, remember, setOpenEntry, stepBack } from "./address.js";
import { announce } from "./announce.js";
import { readStyles } from "./styles.js";

const { htmx } = window;
const drawer = document.getElementById("drawer");
const body = document.getElementById("drawer-body");
const skeleton = document.getElementById("drawer-skeleton");
const failure = document.getElementById("drawer-failure");
const wide = matchMedia("(min-width: 1280px)");
const isDrawer = ({ detail }) => detail.target === body;
const rowOf = (id) => document.getElementById(`entry-${id}`);

let isOpen = false;
// The request for an entry that is on its way, or that failed last.
let pending = null;
let failed = null;
// The row of the entry, or of the last one that had a row on this page of the list.
let row = null;
// What an entry that a script asks for does to the history.
let ordered = "";

const load = (id, how) => {
  const list = new URL(listAddress(), location.href);
  const { known } = document.getElementById("results").dataset;
  if (known) list.searchParams.set("known", known);
  const url = `${list.pathname}/${encodeURIComponent(id)}${list.search}`;
  ordered = how;
  // The events below handle a failure; without this it is an unhandled rejection as well.
  htmx
    .ajax("GET", url, { source: drawer, target: "#drawer-body", swap: "innerHTML" })
    .catch(() => {});
  ordered = "";
};

const mark = (id) => {
  for (const marked of document.querySelectorAll('tr[aria-current="true"]')) {
    marked.removeAttribute("aria-current");
  }
  if (!id) return;
  row = rowOf(id) ?? row;
  rowOf(id)?.setAttribute("aria-current", "true");
};

// The styles of an entry are not read with the list. Nothing of one is seen without them.
export const dress = async () => {
  const { styles } = drawer.dataset;
  if (!styles) return;
  delete drawer.dataset.styles;
  drawer.classList.add("is-bare");
  await Promise.all(styles.split(" ").map(readStyles));
  drawer.classList.remove("is-bare");
};

const focusTitle = () => body.querySelector(".drawer-title")?.focus({ preventScroll: true });

const open = () => {
  if (drawer.open) drawer.close();
  if (wide.matches) drawer.show();
  else drawer.showModal();
  isOpen = true;
  focusTitle();
  dress();
  import("./payload.js");
};

// Closes the drawer, whether the browser has closed it already or not, and leaves the history as
// it is.
const shut = () => {
  pending = null;
  htmx.trigger(drawer, "htmx:abort");
  if (!isOpen) return;
  isOpen = false;
  drawer.close();
  setOpenEntry("");
  failure.hidden = true;
  body.replaceChildren();
  nameTab();
  mark("");
  const link = row?.isConnected && row.querySelector(".open-entry");
  (link || document.getElementById("main")).focus({ preventScroll: true });
  row = null;
};

const close = () => {
  if (!isOpen) return;
  shut();
  if (!history.state?.entry) return;
  if (history.state.opened) stepBack();
  else remember("replace");
};

// Shows the entry that the address names. `anew` where the list has changed around it: its row and
// its neighbours may be others now.
export const showEntry = (id, anew = false) => {
  // An entry that was clicked while the list was loading is opened beside the new list.
  if (anew && pending && pending.how !== "none") load(pending.entry, pending.how);
  else if (!id) shut();
  else if (anew || id !== openEntry()) load(id, "none");
  else htmx.trigger(drawer, "htmx:abort");
};

document.addEventListener("htmx:configRequest", (event) => {
  if (!isDrawer(event)) return;
  const { detail } = event;
  detail.entry = decodeURIComponent(new URL(detail.path, location.href).pathname.split("/").pop());
  detail.how = ordered || (openEntry() ? "replace" : "push");
  detail.takesFocus = !detail.elt.closest("#drawer") || !isOpen;
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!isDrawer(event)) return;
  pending = event.detail.requestConfig;
  body.setAttribute("aria-busy", "true");
  mark(pending.entry);
  if (isOpen) return;
  body.replaceChildren(skeleton.content.cloneNode(true));
  open();
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (!isDrawer(event)) return;
  const request = event.detail.requestConfig;
  const isOther = request.entry !== openEntry();
  pending = null;
  setOpenEntry(request.entry);
  failure.hidden = true;
  body.removeAttribute("aria-busy");
  if (!isOpen) open();
  else if (request.takesFocus) focusTitle();
  else announce(body.querySelector("[data-status]")?.dataset.status ?? "");
  if (request.how !== "none") remember(request.how, { opened: request.how === "push" });
  mark(request.entry);
  nameTab();
  if (!isOther) return;
  drawer.scrollTop = 0;
  rowOf(request.entry)?.scrollIntoView({ block: "nearest" });
});

const fail = (event) => {
  if (!isDrawer(event)) return;
  failed = event.detail.requestConfig;
  pending = null;
  body.removeAttribute("aria-busy");
  if (!openEntry()) body.replaceChildren();
  failure.hidden = false;
  drawer.scrollTop = 0;
  if (!isOpen) open();
};
for (const kind of ["responseError", "sendError", "timeout"]) {
  document.addEventListener(`htmx:${kind}`, fail);
}
document.addEventListener("htmx:sendAbort", (event) => {
  // A request that a newer one has replaced says nothing about that one.
  if (isDrawer(event) && event.detail.requestConfig === pending) body.removeAttribute("aria-busy");
});
failure
  .querySelector("[data-retry]")
  .addEventListener("click", () => load(failed.entry, failed.how));

drawer.addEventListener("click", (event) => {
  const closes = event.target.closest("[data-close]");
  // A click beside a modal dialog arrives at the dialog itself.
  const isBeside = event.target === drawer && event.clientX < drawer.getBoundingClientRect().left;
  if (!closes && !isBeside) return;
  event.preventDefault();
  close();
});
// The browser closes a modal dialog on Esc. The event comes late: it may be open again.
drawer.addEventListener("close", () => drawer.open || close());
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, textarea");
  if (event.key === "Escape" && !event.defaultPrevented && !isTyping && !drawer.matches(":modal")) {
    close();
  }
});

// A modal drawer that gets room goes beside the list, and the other way round.
wide.addEventListener("change", () => isOpen && open());

if (drawer.open) {
  setOpenEntry(new URLSearchParams(location.search).get("entry") ?? "");
  open();
  mark(openEntry());
}
