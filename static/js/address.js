// The address bar and the history: which list and which entry each step shows, and its scroll
// position. The browser's own restoration comes before the list of a step is loaded.
const SCROLL_PAUSE = 100;

let entry = "";
let steps = 0;
let isOwnStep = false;
// Whether the list that is shown is that of the current step, so that the scroll position is its.
let isSettled = true;
let saving = 0;

// The address of the list that is shown, without the entry that is open beside it.
export const listAddress = () => document.getElementById("results").dataset.url;

export const openEntry = () => entry;
export const setOpenEntry = (id) => {
  entry = id;
};

// How often the history was written: what is typed on belongs to the same step only until then.
export const stepCount = () => steps;

// The tab is named after the entry that is open, or else after the list.
export const nameTab = () => {
  const named = document.querySelector("#drawer-body [data-title]");
  document.title = (named ?? document.getElementById("results")).dataset.title;
};

const address = () => {
  const list = listAddress();
  return entry
    ? `${list}${list.includes("?") ? "&" : "?"}entry=${encodeURIComponent(entry)}`
    : list;
};

// Adds a step to the history ("push") or changes the current one ("replace"). `opened` says that
// the step before is the same list without the entry: closing the entry then leads back to it.
export const remember = (how, { to = address(), opened = false } = {}) => {
  const current = history.state;
  const list = listAddress();
  const wasOpened = how === "replace" && current?.list === list && current.opened;
  const scroll = how === "replace" ? (current?.scroll ?? 0) : scrollY;
  history[`${how}State`]({ list, entry, opened: opened || Boolean(wasOpened), scroll }, "", to);
  steps += 1;
  isSettled = true;
};

const saveScroll = () => {
  if (isSettled && history.state) history.replaceState({ ...history.state, scroll: scrollY }, "");
};

export const restoreScroll = () => {
  isSettled = true;
  scrollTo(0, history.state?.scroll ?? 0);
};

// Goes to the step before, which shows what is there already.
export const stepBack = () => {
  isOwnStep = true;
  history.back();
};

// Calls `show` with each step that the reader goes back or forward to.
export const onReturn = (show) =>
  addEventListener("popstate", ({ state }) => {
    clearTimeout(saving);
    if (isOwnStep) {
      isOwnStep = false;
      saveScroll();
      return;
    }
    // An anchor within the page was followed: the list is as it was.
    if (!state) {
      remember("replace", { to: location.href });
      return;
    }
    steps += 1;
    isSettled = state.list === listAddress();
    show(state);
  });

history.scrollRestoration = "manual";
addEventListener("scroll", () => {
  clearTimeout(saving);
  saving = setTimeout(saveScroll, SCROLL_PAUSE);
});
addEventListener("DOMContentLoaded", () => {
  remember("replace", { to: location.href });
  if (history.state.scroll) restoreScroll();
});
