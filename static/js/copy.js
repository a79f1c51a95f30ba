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

const read = async (url) => {
  const response = await fetch(url);
  // Without a session the answer is the page for signing in.
  if (!response.ok || response.redirected) throw new Error(`${url} cannot be read`);
  return response.text();
};

const textOf = ({ copyText, copyUrl, copy }) => {
  if (copyUrl) return read(copyUrl);
  return copyText ?? document.querySelector(copy).textContent;
};

const write = (text) => {
  if (typeof text === "string") return navigator.clipboard.writeText(text);
  // Given as a promise at once: some browsers allow no copying once a click is answered.
  const plain = text.then((known) => new Blob([known], { type: "text/plain" }));
  return navigator.clipboard.write([new ClipboardItem({ "text/plain": plain })]);
};

// Returns why nothing was copied; nothing where it was.
const copy = async (button) => {
  const text = textOf(button.dataset);
  try {
    await write(text);
    return "";
  } catch {
    const known = await Promise.resolve(text).catch(() => null);
    if (known === null) return "Not copied: it cannot be read now. Try again in a moment.";
    if (copyByCommand(known, button)) return "";
    return "Not copied. Select the text and copy it by hand.";
  }
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copied]");
  if (!button) return;
  // A link is followed only on pages without scripts.
  event.preventDefault();
  const fault = await copy(button);
  const isDone = !fault;
  announce(fault || button.dataset.copied);
  button.classList.toggle("is-done", isDone);
  button.title = isDone ? "Copied" : "Not copied";
  setTimeout(() => {
    button.classList.remove("is-done");
    button.title = button.getAttribute("aria-label") ?? "";
  }, CONFIRMED);
});
