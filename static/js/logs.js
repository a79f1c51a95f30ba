// The Logs page. Each part is a module that imports what it needs.
import { dress } from "./drawer.js";
import "./list.js";
import "./menus.js";
import "./rows.js";
import "./shortcuts.js";
import "./times.js";

const NEAR = ["pointerover", "pointerdown", "focusin"];
// New entries are asked for that often, and not before.
const POLL = 5_000;

// Reads something once, when somebody comes near what the selector names.
const readNear = (selector, read) => {
  const waiting = new AbortController();
  const notice = ({ target }) => {
    if (!target.closest(selector)) return;
    waiting.abort();
    read();
  };
  for (const sign of NEAR) document.addEventListener(sign, notice, waiting);
};

// The first click may come before the script is there: it is made again then.
const readForUse = (selector, read) => {
  readNear(selector, read);
  const waiting = new AbortController();
  const use = async (event) => {
    const used = event.target.closest(selector);
    if (!used) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    await read().catch(() => {});
    waiting.abort();
    used.click();
  };
  document.addEventListener("click", use, { capture: true, signal: waiting.signal });
};

// What the first sight of the list does not need.
const readLive = () => import("./live.js");
readForUse("#live", readLive);
readForUse("[data-copied]", () => import("./copy.js"));
readForUse("a[data-export]", () => import("./export.js"));
readNear(".entries", dress);
addEventListener("load", () => {
  import("./chart.js");
  setTimeout(readLive, POLL);
  // The menu of values gives a sign of its own where a finger gives none.
  const readMenu = () => import("./value_menu.js");
  const isNear = !matchMedia("(hover: hover)").matches || document.getElementById("drawer").open;
  if (isNear || document.querySelector(".entries:hover")) readMenu();
  else readNear(".entries", readMenu);
});
