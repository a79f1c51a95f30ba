// Reads a stylesheet that the first sight of a page does without; done once it applies or has failed.
export const readStyles = (href) =>
  new Promise((resolve) => {
    const styles = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
    for (const kind of ["load", "error"]) styles.addEventListener(kind, resolve);
    // On paper the styles for it have the last word.
    document.head.insertBefore(styles, document.head.querySelector('link[media="print"]'));
  });
