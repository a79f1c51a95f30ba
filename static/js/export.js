import { announce } from "./announce.js";

// How far an export has come. The link itself brings the file: the browser saves it, whatever its
// size, and this page asks how many entries it has by now.
const { htmx } = window;
const status = document.getElementById("export-status");

document.addEventListener("click", (event) => {
  if (!event.target.closest("a[data-export]")) return;
  event.target.closest("details").open = false;
  htmx.ajax("GET", status.dataset.url, { target: status, swap: "innerHTML" }).catch(() => {});
});

// The end alone is announced: how far it has come changes each second, and the bar says it.
status.addEventListener("htmx:afterSwap", () => {
  const end = status.querySelector("[data-end]");
  if (end) announce(end.textContent.trim().replace(/\s+/g, " "));
});
