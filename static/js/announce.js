// Status messages for screen readers (WCAG 4.1.3).
const PAUSE = 50;

export const announce = (text) => {
  // While a dialog is modal, nothing outside it is read.
  const announcer =
    document.querySelector("dialog:modal [data-announcer]") ?? document.getElementById("announcer");
  // A text that stays the same is not read again, so it is emptied first.
  announcer.textContent = "";
  setTimeout(() => (announcer.textContent = text), PAUSE);
};
