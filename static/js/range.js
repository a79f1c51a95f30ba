// The custom range: start and end in the reader's zone, sent as instants.
(() => {
  const range = document.querySelector("[data-range]");
  if (!range) return;
  const choice = document.getElementById("dateRange");
  const inputs = [...range.querySelectorAll("input")];
  const HOURS = { "24h": 24, "7d": 7 * 24, "30d": 30 * 24, all: 30 * 24 };
  let before = choice.value;

  const two = (number, length = 2) => String(number).padStart(length, "0");
  const toLocal = (instant) => {
    const date = new Date(instant);
    if (!instant || Number.isNaN(date.valueOf())) return "";
    const day = [two(date.getFullYear(), 4), two(date.getMonth() + 1), two(date.getDate())].join("-");
    const fine = date.getSeconds() || date.getMilliseconds();
    const seconds = fine ? `:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}` : "";
    return `${day}T${two(date.getHours())}:${two(date.getMinutes())}${seconds}`;
  };
  const toInstant = (input) => (input.value ? new Date(input.value).toISOString() : "");

  const show = () => {
    range.hidden = choice.value !== "custom";
    for (const input of inputs) input.disabled = range.hidden;
    before = choice.value;
  };

  const set = (start, end) => {
    [start, end].forEach((instant, index) => {
      if (inputs[index] !== document.activeElement) inputs[index].value = toLocal(instant);
    });
    show();
  };

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const label of range.querySelectorAll("[data-zone]")) label.textContent = zone;
  set(inputs[0].dataset.instant, inputs[1].dataset.instant);

  // Comes before the form hears of it: Custom starts as the range that was shown.
  choice.addEventListener("change", () => {
    if (choice.value === "custom") {
      const start = new Date(Date.now() - (HOURS[before] ?? HOURS["7d"]) * 3_600_000);
      start.setSeconds(0, 0);
      inputs[0].value = toLocal(start);
      inputs[1].value = "";
    }
    show();
  });

  window.hub = {
    ...window.hub,
    setRange: set,
    rangeParameters: () =>
      choice.value === "custom"
        ? { startDate: toInstant(inputs[0]), endDate: toInstant(inputs[1]) }
        : { dateRange: choice.value },
  };
})();
