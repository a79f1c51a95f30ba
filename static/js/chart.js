// The chart above the list: loaded apart from the rows, and anew when the list has other filters.
// A click, a drag or the keys choose a range, which becomes the start and the end of the list.
import { listAddress } from "./address.js";
import { announce } from "./announce.js";
import { load } from "./list.js";
import { readStyles } from "./styles.js";

const { htmx } = window;
const chart = document.getElementById("chart");
// A click moves the pointer by less than that.
const SLACK = 4;
let shown = "";
let bars = [];
// The indices of the bars where a choice begins and ends; null while nothing is chosen.
let choice = null;
let pressedAt = null;

const wanted = () => document.getElementById("results").dataset.chart;
const drawing = () => chart.querySelector("[data-chart-drawing]");

const read = () => {
  shown = wanted();
  chart.setAttribute("aria-busy", "true");
  htmx.ajax("GET", shown, { source: chart, target: chart, swap: "innerHTML" }).catch(() => {});
};

const sum = (name, low, high) =>
  bars.slice(low, high + 1).reduce((total, bar) => total + Number(bar.dataset[name]), 0);

// A bar is called "Nov 24, 05:00–05:30: 2 failure, …".
const timeOf = (bar) => bar.getAttribute("aria-label").split(": ", 1)[0];
const linkOf = (bar) => new URL(bar.getAttribute("href"), location.href);

const words = (low, high) => {
  const [start] = timeOf(bars[low]).split("–");
  const end = timeOf(bars[high]).split("–").pop();
  const failures = sum("failure", low, high);
  const total = failures + sum("partial", low, high) + sum("success", low, high);
  const number = (value, one) => `${value.toLocaleString("en-US")} ${one}`;
  const counted = number(total, total === 1 ? "entry" : "entries");
  return `${start}–${end} · ${counted}, ${number(failures, failures === 1 ? "failure" : "failures")}`;
};

// Shows what is chosen, and counts it before it applies.
const show = () => {
  const label = chart.querySelector(".chart-chosen");
  const [low, high] = choice ? choice.toSorted((a, b) => a - b) : [1, 0];
  drawing()?.classList.toggle("is-choosing", Boolean(choice));
  bars.forEach((bar, index) => bar.classList.toggle("is-chosen", index >= low && index <= high));
  const hint = chart.querySelector("[data-chart-hint]");
  if (hint) hint.textContent = choice ? "Release to zoom, Esc to leave" : "Drag to zoom";
  if (!label) return;
  label.textContent = choice ? words(low, high) : "";
  if (!choice) return;
  const edge = bars[low].getBoundingClientRect().left - chart.getBoundingClientRect().left;
  const most = chart.clientWidth - label.offsetWidth;
  label.style.left = `${Math.max(0, Math.min(most, edge - label.offsetWidth - 8))}px`;
};

const leave = () => {
  choice = null;
  pressedAt = null;
  show();
};

const zoom = () => {
  const [low, high] = choice.toSorted((a, b) => a - b);
  const url = new URL(listAddress(), location.href);
  url.searchParams.delete("cursor");
  url.searchParams.delete("dateRange");
  url.searchParams.set("startDate", linkOf(bars[low]).searchParams.get("startDate"));
  url.searchParams.set("endDate", linkOf(bars[high]).searchParams.get("endDate"));
  leave();
  load(`${url.pathname}${url.search}`, "push");
};

const barAt = (x) => {
  const index = bars.findIndex((bar) => x < bar.getBoundingClientRect().right);
  return index < 0 ? bars.length - 1 : index;
};

// One stop of the Tab key for all bars; the arrows lead from one to the next.
const settle = () => {
  bars = [...chart.querySelectorAll("[data-chart-bar]")];
  for (const bar of bars) bar.setAttribute("tabindex", bar === bars.at(-1) ? "0" : "-1");
  const label = document.createElement("p");
  label.className = "chart-chosen";
  chart.append(label);
};

const fail = () => {
  shown = "";
  bars = [];
  chart.removeAttribute("aria-busy");
  const [box, text, retry] = ["div", "p", "button"].map((name) => document.createElement(name));
  box.className = "chart-failed";
  text.textContent = "The chart could not be loaded. The entries below are complete.";
  Object.assign(retry, { type: "button", className: "button", textContent: "Retry" });
  retry.addEventListener("click", read);
  box.append(text, retry);
  chart.replaceChildren(box);
};

chart.addEventListener("htmx:afterSwap", () => {
  chart.removeAttribute("aria-busy");
  choice = null;
  settle();
});
for (const kind of ["responseError", "sendError", "timeout"]) {
  chart.addEventListener(`htmx:${kind}`, (event) => event.detail.target === chart && fail());
}
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target?.id !== "results") return;
  if (wanted() !== shown || detail.requestConfig.elt.hasAttribute("data-refresh")) read();
});
document.addEventListener("zonechange", read);

chart.addEventListener("pointerdown", (event) => {
  if (event.button || !event.target.closest("[data-chart-drawing]")) return;
  if (event.target.closest("[data-chart-band]") || event.ctrlKey || event.metaKey) return;
  pressedAt = event.clientX;
});
chart.addEventListener("pointermove", (event) => {
  if (pressedAt === null || Math.abs(event.clientX - pressedAt) < SLACK) return;
  drawing().setPointerCapture(event.pointerId);
  choice = [barAt(pressedAt), barAt(event.clientX)];
  show();
});
chart.addEventListener("pointerup", () => {
  if (choice && pressedAt !== null) zoom();
  pressedAt = null;
});
chart.addEventListener("pointercancel", leave);
// A link is dragged by the browser otherwise.
chart.addEventListener("dragstart", (event) => event.preventDefault());

// A click leads to the list of a bar or a band, without a new page.
chart.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const moved = event.detail && pressedAt !== null;
  if (!moved) load(link.getAttribute("href"), "push");
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !choice) return;
  // The drawer would close, too.
  event.preventDefault();
  leave();
});
chart.addEventListener("keydown", (event) => {
  const index = bars.indexOf(event.target);
  if (index < 0) return;
  if (event.key === "Enter" && choice) {
    event.preventDefault();
    zoom();
    return;
  }
  const step = { ArrowLeft: -1, ArrowRight: 1, Home: -index, End: bars.length }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const next = Math.max(0, Math.min(bars.length - 1, index + step));
  choice = event.shiftKey ? [choice?.[0] ?? index, next] : null;
  bars[index].setAttribute("tabindex", "-1");
  bars[next].setAttribute("tabindex", "0");
  bars[next].focus();
  show();
  if (choice) announce(chart.querySelector(".chart-chosen").textContent);
});

// Drawn once its styles are there, so that nothing moves.
readStyles(chart.dataset.styles).then(read);
