// The zone in which times are shown: UTC, or the browser's own. A cookie tells the server, which
// aligns the chart's bars to its calendar.
const YEAR = 31_536_000;
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
const stored = /(?:^|; )zone=([^;]*)/.exec(document.cookie)?.[1];
let isUtc = stored === "UTC";

const zoneName = () => (isUtc ? "UTC" : own);

// The year, month (from 0), day, hour, minute and second that clocks show, and the milliseconds.
export const partsOf = (date) =>
  ["FullYear", "Month", "Date", "Hours", "Minutes", "Seconds", "Milliseconds"].map((part) =>
    date[`get${isUtc ? "UTC" : ""}${part}`](),
  );

// The instant that a clock time without a zone means.
export const instantOf = (text) => new Date(isUtc ? `${text}Z` : text);

const apply = () => {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `zone=${zoneName()}; path=/hub; max-age=${YEAR}; samesite=lax${secure}`;
  for (const label of document.querySelectorAll("[data-zone]")) label.textContent = zoneName();
  for (const button of document.querySelectorAll("[data-zone-choice]")) {
    const isChosen = (button.dataset.zoneChoice === "utc") === isUtc;
    button.setAttribute("aria-pressed", String(isChosen));
  }
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-zone-choice]");
  if (!button) return;
  isUtc = button.dataset.zoneChoice === "utc";
  apply();
  document.dispatchEvent(new Event("zonechange"));
});
apply();
