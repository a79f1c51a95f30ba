// New entries: "14 new" takes the place of Refresh and moves nothing. In Live mode they are put on
// top of the list, but never while somebody reads it. The page asks every few seconds, unless its
// tab is hidden; asking is no use of the session.
import { openEntry } from "./address.js";

const { htmx } = window;
const POLL = 5_000;
// A poll that takes longer is given up.
const PATIENCE = 30_000;
// A list that would grow beyond that is read anew.
const MAX_ROWS = 200;
const PAGE = 50;
// Scrolled by less than that, the top of the list is in view.
const NEAR_TOP = 40;
const button = document.getElementById("live");
const status = document.getElementById("live-status");
let isLive = false;
let isOver = false;
let isAsking = false;
// The rows that wait, by their id.
const waiting = new Map();
// Up to when arrivals are known, in ms; empty until the first ones came.
let newest = "";

const results = () => document.getElementById("results");
const body = () => results().querySelector(".entries tbody");

// Why rows are not put on top now; empty when they may be.
const reason = () => {
  if (scrollY > NEAR_TOP) return "goes on when you return to the top";
  if (openEntry() || document.querySelector("dialog[open]")) {
    return "goes on when you close the entry";
  }
  const isMenuOpen = document.querySelector('details[data-menu][open], [aria-expanded="true"]');
  if (isMenuOpen) return "goes on when you close the menu";
  if (!getSelection().isCollapsed) return "goes on when nothing is selected";
  return "";
};

const say = (text) => {
  if (status.textContent !== text) status.textContent = text;
};

const number = () => `${waiting.size}${waiting.size >= PAGE ? "+" : ""}`;

const show = () => {
  button.setAttribute("aria-pressed", String(isLive));
  button.disabled = isOver || !results().dataset.live;
  const refresh = document.getElementById("refresh");
  if (refresh && waiting.size) {
    refresh.classList.add("button-new");
    refresh.textContent = `↑ ${number()} new`;
  }
  const why = isLive ? reason() : "";
  if (isOver) say("Signed out: no longer up to date");
  else if (!isLive) say("");
  else if (!results().dataset.live) say("Paused: this list has no new entries at its top");
  else if (why) say(`Paused while you read · ${number()} waiting · ${why}`);
  else say("Following new entries");
};

// Puts the waiting rows where they belong: newest first, as their ids are.
const insert = () => {
  // More may have arrived than a poll returns; between these and the list would be a gap, as there
  // would be between a list whose end is cut off and its next page.
  const shown = body()?.rows.length ?? MAX_ROWS;
  if (waiting.size >= PAGE || shown + waiting.size > MAX_ROWS) {
    document.getElementById("refresh")?.click();
    return;
  }
  for (const row of waiting.values()) {
    const next = [...body().rows].find((each) => each.id < row.id);
    body().insertBefore(row, next ?? null);
    htmx.process(row);
  }
  waiting.clear();
  const extent = results().querySelector(".extent");
  if (extent) extent.textContent = `1–${body().rows.length}`;
  document.getElementById("count").textContent = "";
  document.dispatchEvent(new Event("rowsadded"));
};

const take = (text) => {
  const template = document.createElement("template");
  template.innerHTML = `<table><tbody>${text}</tbody></table>`;
  for (const row of template.content.querySelectorAll("tr")) {
    if (!document.getElementById(row.id)) waiting.set(row.id, row);
  }
};

const settle = () => {
  if (isLive && waiting.size && !reason()) insert();
  show();
};

// Returns the answer and its text; nothing where the Hub cannot be reached: the next poll may.
const ask = async (url) => {
  const headers = { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers")) };
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE) });
    return { response, text: await response.text() };
  } catch {
    return null;
  }
};

// One at a time: those that a Hub leaves unanswered would hold all connections of the page.
const poll = async () => {
  const live = results().dataset.live;
  if (isOver || isAsking || document.hidden || !live) return;
  isAsking = true;
  const answer = await ask(newest ? live.replace(/since=\d+/, `since=${newest}`) : live);
  isAsking = false;
  if (!answer) return;
  const { response, text } = answer;
  if (response.redirected || response.headers.has("HX-Redirect")) isOver = true;
  // Another account was chosen in another tab.
  else if (response.headers.has("HX-Refresh")) isOver = true;
  else if (response.status === 200) {
    // The list may have been replaced meanwhile.
    if (live !== results().dataset.live) return;
    newest = response.headers.get("Hub-Newest") ?? newest;
    take(text);
  }
  settle();
};

button.addEventListener("click", () => {
  isLive = !isLive;
  settle();
  if (isLive) poll();
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target?.id !== "results") return;
  waiting.clear();
  newest = "";
  show();
});
document.addEventListener("visibilitychange", poll);
addEventListener("scroll", () => isLive && settle());
setInterval(poll, POLL);
show();
poll();
