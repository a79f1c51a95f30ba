// The custom range: start and end in the reader's zone, sent as instants.
import { instantOf, partsOf } from "./zone.js";

const PAUSE = 500;
const HOURS = { "24h": 24, "7d": 7 * 24, "30d": 30 * 24, all: 30 * 24 };
const range = document.getElementById("range");
const choice = document.getElementById("dateRange");
const inputs = [...range.querySelectorAll("input")];
let previous = choice.value;
let pause = 0;

const two = (number, length = 2) => String(number).padStart(length, "0");
const toLocal = (instant) => {
  const date = new Date(instant);
  if (!instant || Number.isNaN(date.valueOf())) return "";
  const [year, month, ofMonth, hour, minute, second, millisecond] = partsOf(date);
  const day = [two(year, 4), two(month + 1), two(ofMonth)].join("-");
  const seconds = second || millisecond ? `:${two(second)}.${two(millisecond, 3)}` : "";
  return `${day}T${two(hour)}:${two(minute)}${seconds}`;
};

// An instant that the reader did not touch is sent as it came: a local time can be less exact, and
// names two instants when clocks go back. A year of five digits is none: the Hub says so.
const toInstant = (input) => {
  if (!input.value) return "";
  if (input.value === input.dataset.shown) return input.dataset.instant;
  const instant = instantOf(input.value);
  return Number.isNaN(instant.valueOf()) ? input.value : instant.toISOString();
};

const write = (input, instant) => {
  input.value = toLocal(instant);
  Object.assign(input.dataset, { instant, shown: input.value });
};

const show = () => {
  const isOwn = range.classList.toggle("is-own", choice.value === "custom");
  for (const input of inputs) input.disabled = !isOwn;
  previous = choice.value;
};

// Sets the controls from the parameters of the list that is shown.
export const setRange = (parameters, isBack) => {
  if (isBack) {
    clearTimeout(pause);
    pause = 0;
  }
  // A range that is being typed may be without a start and an end for a moment.
  const isTyping = !isBack && range.contains(document.activeElement);
  const isOwn = isTyping || parameters.has("startDate") || parameters.has("endDate");
  choice.value = isOwn ? "custom" : (parameters.get("dateRange") ?? "7d");
  if (choice.selectedIndex < 0) choice.value = "7d";
  for (const input of inputs) {
    const isAhead = pause || input === document.activeElement;
    if (isBack || !isAhead) write(input, parameters.get(input.name) ?? "");
  }
  show();
};

export const rangeParameters = () => {
  const isOwn = choice.value === "custom";
  const [startDate, endDate] = isOwn ? inputs.map(toInstant) : ["", ""];
  const preset = isOwn ? "all" : choice.value;
  const isPreset = !startDate && !endDate && preset !== "7d";
  return { dateRange: isPreset ? preset : "", startDate, endDate };
};

for (const input of inputs) write(input, input.dataset.instant);
show();

// Runs before the form's own listener: Custom starts as the range that was shown.
choice.addEventListener("change", () => {
  if (choice.value === "custom") {
    const start = new Date(Date.now() - (HOURS[previous] ?? HOURS["7d"]) * 3_600_000);
    // Rounded up, so that it does not begin before retention does.
    start.setSeconds(60, 0);
    write(inputs[0], start.toISOString());
    write(inputs[1], "");
  }
  show();
});

// Every figure that is typed into a date is a change; the form is told after a pause.
for (const input of inputs) {
  input.addEventListener("change", (event) => {
    event.stopPropagation();
    clearTimeout(pause);
    pause = setTimeout(() => {
      pause = 0;
      range.dispatchEvent(new Event("change", { bubbles: true }));
    }, PAUSE);
  });
}

document.addEventListener("zonechange", () => {
  inputs.forEach((input) => write(input, input.dataset.instant));
});
