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
  import("./payload.js");
  import("./value_menu.js");
});
