// The list and the address. #results knows the address of the list that it shows; the address bar
// follows it, and Back leads through the lists that were shown.
(() => {
  const hub = (window.hub ??= {});
  const form = document.getElementById("filters");
  const failure = document.getElementById("list-failure");
  const results = () => document.getElementById("results");
  const shown = () => results().dataset.url;
  const isList = ({ detail }) => detail.target?.id === "results";

  // What a list does to the history: a new step (push), the same step (replace), or none, where
  // the history itself asked for it. A script that asks for a list orders which.
  let ordered = "";
  // The field that the last step was typed in: typing on belongs to the same step.
  let typed = null;
  let last = {};
  let hadFocus = false;
  let isOwnStep = false;

  const load = (url, how) => {
    ordered = how;
    // What goes wrong is told by the events below.
    htmx.ajax("GET", url, { source: results(), target: "#results", swap: "outerHTML" }).catch(() => {});
    ordered = "";
  };

  const address = () => {
    const entry = hub.openEntry();
    return `${shown()}${entry && (shown().includes("?") ? "&" : "?")}${entry && `entry=${encodeURIComponent(entry)}`}`;
  };

  // Writes down where the reader is. `opened` tells that the step before is the same list without
  // the entry, so that closing the entry can lead back to it.
  const remember = (how, { to = address(), opened = false } = {}) => {
    const before = history.state;
    const same = how === "replace" && before?.list === shown();
    history[`${how}State`]({ list: shown(), entry: hub.openEntry(), opened: opened || Boolean(same && before.opened) }, "", to);
    typed = null;
  };

  // A click on a link that asks for a new tab or window is the browser's alone.
  const leaveToBrowser = (event) => {
    if ((event.ctrlKey || event.metaKey || event.shiftKey) && event.target.closest("a")) event.stopPropagation();
  };
  document.addEventListener("click", leaveToBrowser, { capture: true });

  document.addEventListener("htmx:configRequest", (event) => {
    if (!isList(event)) return;
    const { detail } = event;
    const target = detail.triggeringEvent?.target;
    detail.field = detail.elt === form && hub.isTypedIn(target) ? target : null;
    const isSameStep = detail.elt.hasAttribute("data-refresh") || (detail.field && detail.field === typed);
    detail.how = ordered || (isSameStep ? "replace" : "push");
    detail.toTop = !ordered && !detail.elt.hasAttribute("data-refresh");
    if (detail.elt !== form) return;
    const asked = hub.askedParameters(new URL(shown(), location.href).searchParams);
    detail.parameters = Object.fromEntries(asked);
    if (`${form.getAttribute("action")}${asked.size ? `?${asked}` : ""}` !== shown()) return;
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
      remember(how === "push" && shown() !== history.state?.list ? "push" : "replace");
      typed = field;
    }
    hub.followAddress(how === "none");
    hub.showEntry(history.state?.entry ?? "", true);
    // A link that was followed may be gone, and must not take the focus with it.
    if (hadFocus && document.activeElement === document.body) results().focus({ preventScroll: true });
    if (toTop) scrollTo(0, 0);
  });

  const fail = (event) => {
    if (!isList(event)) return;
    results().removeAttribute("aria-busy");
    failure.querySelector("[data-failure-text]").textContent = event.detail.xhr?.status
      ? "The log cannot be read now. What you see below is as it was."
      : "The Hub cannot be reached. What you see below is as it was.";
    failure.hidden = false;
  };
  for (const kind of ["responseError", "sendError", "timeout"]) {
    document.addEventListener(`htmx:${kind}`, fail);
  }
  document.addEventListener("htmx:sendAbort", (event) => {
    if (isList(event)) results().removeAttribute("aria-busy");
  });
  failure.querySelector("[data-retry]").addEventListener("click", () => load(last.url, last.how));

  // A count that fails says so in its own place; the list is not concerned.
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.target?.id === "count" && !detail.successful) detail.target.textContent = "of more than could be counted";
  });

  addEventListener("popstate", ({ state }) => {
    if (isOwnStep) {
      isOwnStep = false;
      return;
    }
    // An anchor within the page was followed: the list is as it was.
    if (!state) {
      remember("replace", { to: location.href });
      return;
    }
    typed = null;
    if (state.list === shown()) {
      htmx.trigger(form, "htmx:abort");
      hub.followAddress(true);
      hub.showEntry(state.entry);
    } else {
      if (!state.entry) hub.showEntry("");
      load(state.list, "none");
    }
  });

  Object.assign(hub, {
    remember,
    // Leads to the step before, which shows what is there already.
    stepBack: () => {
      isOwnStep = true;
      history.back();
    },
  });
  addEventListener("DOMContentLoaded", () => remember("replace", { to: location.href }));
})();
