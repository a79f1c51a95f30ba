// The list. #results knows the address of the list that it shows; the address bar follows it, and
// Back leads through the lists that were shown.
import { listAddress, nameTab, onReturn, remember, restoreScroll, stepCount } from "./address.js";
import { announce } from "./announce.js";
import { showEntry } from "./drawer.js";
import { filterParameters, followList, isTypedIn } from "./filters.js";

const { htmx } = window;
const form = document.getElementById("filters");
const failure = document.getElementById("list-failure");
const results = () => document.getElementById("results");
const isList = ({ detail }) => detail.target?.id === "results";

// What a list does to the history: a new step (push), the same step (replace), or none, where the
// history itself asked for it. A list that a script asks for is ordered to do one of them.
let ordered = "";
// The field that the last step was typed in: typing on belongs to the same step.
let typed = { field: null, step: 0 };
let last = {};
let hadFocus = false;

export const load = (url, how) => {
  ordered = how;
  // The events below handle a failure; without this it is an unhandled rejection as well.
  htmx
    .ajax("GET", url, { source: results(), target: "#results", swap: "outerHTML" })
    .catch(() => {});
  ordered = "";
};

// A click on a link that asks for a new tab or window is the browser's alone.
const leaveToBrowser = (event) => {
  const asksForTab = event.ctrlKey || event.metaKey || event.shiftKey;
  if (asksForTab && event.target.closest("a")) event.stopPropagation();
};
document.addEventListener("click", leaveToBrowser, { capture: true });

document.addEventListener("htmx:configRequest", (event) => {
  if (!isList(event)) return;
  const { detail } = event;
  const field = detail.triggeringEvent?.target;
  const isRefresh = detail.elt.hasAttribute("data-refresh");
  detail.field = detail.elt === form && isTypedIn(field) ? field : null;
  const isTypedOn = detail.field && detail.field === typed.field && typed.step === stepCount();
  detail.how = ordered || (isRefresh || isTypedOn ? "replace" : "push");
  detail.toTop = !ordered && !isRefresh;
  if (detail.elt !== form) return;
  const parameters = filterParameters(new URL(listAddress(), location.href).searchParams);
  detail.parameters = Object.fromEntries(parameters);
  const address = `${form.getAttribute("action")}${parameters.size ? `?${parameters}` : ""}`;
  if (address !== listAddress()) return;
  // The list that the controls ask for is shown already.
  event.preventDefault();
  failure.hidden = true;
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!isList(event)) return;
  last = { url: event.detail.pathInfo.finalRequestPath, how: event.detail.requestConfig.how };
  results().setAttribute("aria-busy", "true");
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (isList(event)) hadFocus = document.activeElement !== document.body;
});

document.addEventListener("htmx:afterSwap", (event) => {
  // What is swapped in other places with the list has its own event, with the same detail.
  if (!isList(event) || event.target !== results()) return;
  const { how, field, toTop } = event.detail.requestConfig;
  failure.hidden = true;
  if (how !== "none") {
    remember(how === "push" && listAddress() !== history.state?.list ? "push" : "replace");
    typed = { field, step: stepCount() };
  }
  followList(how === "none");
  if (how === "none") restoreScroll();
  if (toTop) scrollTo(0, 0);
  showEntry(history.state?.entry ?? "", true);
  nameTab();
  // A link that was followed may be gone, and must not take the focus with it.
  if (hadFocus && document.activeElement === document.body) {
    results().focus({ preventScroll: true });
  }
  announce(results().dataset.status);
});

const fail = (event) => {
  if (!isList(event)) return;
  results().removeAttribute("aria-busy");
  failure.querySelector("[data-failure-text]").textContent = event.detail.xhr?.status
    ? "The log cannot be read now. The list below has not changed."
    : "The Hub cannot be reached. The list below has not changed.";
  failure.hidden = false;
};
for (const kind of ["responseError", "sendError", "timeout"]) {
  document.addEventListener(`htmx:${kind}`, fail);
}
document.addEventListener("htmx:sendAbort", (event) => {
  if (isList(event)) results().removeAttribute("aria-busy");
});
failure.querySelector("[data-retry]").addEventListener("click", () => load(last.url, last.how));

// On paper the head says the count, too.
document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (target.id !== "count") return;
  document.getElementById("print-count").textContent = target.textContent.trim();
});

// A count that fails says so in its own place; the list is not concerned.
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.target?.id !== "count" || detail.successful) return;
  detail.target.textContent = "of more than could be counted";
});

onReturn((state) => {
  if (state.list === listAddress()) {
    htmx.trigger(form, "htmx:abort");
    followList(true);
    showEntry(state.entry);
  } else {
    if (!state.entry) showEntry("");
    load(state.list, "none");
  }
});
