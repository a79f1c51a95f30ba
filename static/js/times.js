// Shows times in the reader's zone and keeps "ago" fresh. hub/ui/times.py writes them alike, in UTC.
import { partsOf } from "./zone.js";

const DAY = 86_400_000;
const REFRESH = 10_000;
const UNITS = [
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (number) => String(number).padStart(2, "0");

const absolute = (date, now) => {
  const [year, month, day, hour, minute] = partsOf(date);
  const ofYear = year === partsOf(now)[0] ? "" : `, ${year}`;
  return `${MONTHS[month]} ${day}${ofYear}, ${two(hour)}:${two(minute)}`;
};

const relative = (age) => {
  for (const [unit, length] of UNITS) {
    const number = Math.floor(age / length);
    if (number >= 1) return `${number} ${unit}${number > 1 ? "s" : ""} ago`;
  }
  return "just now";
};

const formats = {
  short: (date, now) => {
    const age = now - date;
    return age >= 0 && age < DAY ? relative(age) : absolute(date, now);
  },
  date: absolute,
  clock: (date) => partsOf(date).slice(3, 6).map(two).join(":"),
};

const update = () => {
  const now = new Date();
  for (const element of document.querySelectorAll("time[data-time]")) {
    const text = formats[element.dataset.time](new Date(element.dateTime), now);
    if (element.textContent !== text) element.textContent = text;
  }
};

update();
setInterval(update, REFRESH);
document.addEventListener("htmx:afterSwap", update);
for (const kind of ["zonechange", "rowsadded"]) document.addEventListener(kind, update);
