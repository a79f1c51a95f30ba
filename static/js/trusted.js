// Runs first: the one policy by which a text becomes markup. The Hub's own fragments do, as htmx
// swaps them in; no text ever becomes a script, or the address of one.
window.trustedTypes?.createPolicy("default", { createHTML: (html) => html });
