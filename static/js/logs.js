// The Logs page. Each part is a module that imports what it needs.
import "./copy.js";
import "./export.js";
import "./list.js";
import "./menus.js";
import "./rows.js";
import "./shortcuts.js";
import "./times.js";

// What the first sight of the list does not need.
addEventListener("load", () => {
  import("./chart.js");
  import("./live.js");
  // The menu of values is read when somebody comes near one; at once where a finger gives no sign.
  const waiting = new AbortController();
  const near = () => {
    waiting.abort();
    import("./value_menu.js");
  };
  for (const sign of ["pointerover", "focusin"]) {
    document.addEventListener(sign, ({ target }) => target.closest(".entries") && near(), waiting);
  }
  const isNear = !matchMedia("(hover: hover)").matches || document.getElementById("drawer").open;
  if (isNear || document.querySelector(".entries:hover")) near();
});
