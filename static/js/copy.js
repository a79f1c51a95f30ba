// Copies a value and confirms it, in place and to screen readers.
import { announce } from "./announce.js";

const CONFIRMED = 2_000;

// The clipboard API is there on HTTPS and localhost only.
const copyByCommand = (text, button) => {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  const focused = document.activeElement;
  // A modal dialog keeps the focus inside itself.
  (button.closest("dialog") ?? document.body).append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  focused.focus();
  return isDone;
};

const copy = async (text, button) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByCommand(text, button);
  }
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copied]");
  if (!button) return;
  const text = button.dataset.copyText ?? document.querySelector(button.dataset.copy).textContent;
  const isDone = await copy(text, button);
  announce(isDone ? button.dataset.copied : "Not copied. Select the text and copy it by hand.");
  button.classList.toggle("is-done", isDone);
  button.title = isDone ? "Copied" : "Not copied";
  setTimeout(() => {
    button.classList.remove("is-done");
    button.title = button.getAttribute("aria-label") ?? "";
  }, CONFIRMED);
});
