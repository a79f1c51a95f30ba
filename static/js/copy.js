// Copies a value, says so in place and to screen readers. Works without the clipboard API too.
(() => {
  const CONFIRMED = 2_000;

  const copyByHand = (text, button) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    const focused = document.activeElement;
    // Inside the dialog, which alone can hold the focus while it is modal.
    (button.closest("dialog") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused.focus();
    return done;
  };

  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyByHand(text, button);
    }
  };

  const announce = (text) => {
    const announcer =
      document.querySelector("dialog:modal [data-announcer]") ?? document.getElementById("announcer");
    announcer.textContent = "";
    setTimeout(() => (announcer.textContent = text), 50);
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copied]");
    if (!button) return;
    const source = button.dataset.copyText ?? document.querySelector(button.dataset.copy).textContent;
    const done = await copy(source, button);
    announce(done ? button.dataset.copied : "Copying failed: select the text and copy it by hand");
    button.classList.toggle("is-done", done);
    button.title = done ? "Copied" : "Not copied";
    setTimeout(() => {
      button.classList.remove("is-done");
      button.title = button.getAttribute("aria-label") ?? "";
    }, CONFIRMED);
  });
})();
