// Keyboard shortcuts of one key each: / for the search, J and K for the entries beside the open one.
import { announce } from "./announce.js";

const isTyping = (event) => event.target.closest("input, select, textarea");
const hasModifier = (event) => event.ctrlKey || event.metaKey || event.altKey;
const areOff = () => document.documentElement.hasAttribute("data-shortcuts-off");

const step = (id, end) => {
  const link = document.getElementById(id);
  if (link?.hasAttribute("href")) link.click();
  else if (link) announce(end);
};

document.addEventListener("keydown", (event) => {
  if (areOff() || event.defaultPrevented || isTyping(event) || hasModifier(event)) return;
  const isOpen = document.getElementById("drawer").open;
  const key = event.key.toLowerCase();
  if (key === "/" && !document.querySelector("dialog:modal")) {
    event.preventDefault();
    document.getElementById("search").focus();
  } else if (key === "j" && isOpen) step("entry-next", "This is the last entry on this page");
  else if (key === "k" && isOpen) step("entry-previous", "This is the first entry of the list");
});
