// The payload of an entry: a search within it, and all of its folds opened or closed at once.
const PIECES = ".key, .string:not(.beginning), .number, .literal, .redacted";

// How the folds of a payload stood before it was searched.
const before = new WeakMap();
const marks = globalThis.Highlight && new Highlight();
if (marks) CSS.highlights.set("found", marks);

const treeOf = (control) => control.closest("details").querySelector(".payload");

const restore = (tree) => {
  marks?.clear();
  for (const node of tree.querySelectorAll(".node[hidden]")) node.hidden = false;
  for (const [fold, isOpen] of before.get(tree) ?? []) fold.open = isOpen;
  before.delete(tree);
};

const mark = (piece, words) => {
  const texts = document.createTreeWalker(piece, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const start = text.data.toLowerCase().indexOf(words);
    if (start === -1 || start + words.length > text.length) continue;
    const range = new Range();
    range.setStart(text, start);
    range.setEnd(text, start + words.length);
    marks?.add(range);
  }
};

// Opens what hides a piece; a fold's own line is seen without.
const reveal = (piece, tree) => {
  let fold = piece.closest("details");
  while (fold && tree.contains(fold)) {
    if (!fold.firstElementChild.contains(piece)) fold.open = true;
    fold = fold.parentElement.closest("details");
  }
};

// Shows the values that have the words in them or in their key, with what they are in. What is
// inside of a key that matches stays, folded as it was.
const search = (tree, words) => {
  restore(tree);
  if (!words) return "";
  before.set(
    tree,
    [...tree.querySelectorAll("details")].map((fold) => [fold, fold.open]),
  );
  const found = new Set();
  for (const piece of tree.querySelectorAll(PIECES)) {
    if (!piece.textContent.toLowerCase().includes(words)) continue;
    found.add(piece.closest(".node"));
    reveal(piece, tree);
    mark(piece, words);
  }
  const shown = new Set();
  for (const node of found) {
    for (const inner of node.querySelectorAll(".node")) shown.add(inner);
    for (let each = node; each; each = each.parentElement.closest(".node")) shown.add(each);
  }
  for (const node of tree.querySelectorAll(".node")) node.hidden = !shown.has(node);
  const part = tree.querySelector(".absent") ? " in the part shown" : "";
  return `${found.size || "No"} ${found.size === 1 ? "match" : "matches"}${part}`;
};

const searchFor = ({ target }) => {
  if (!target.matches("[data-payload-search]")) return;
  const status = target.parentElement.querySelector("[role=status]");
  status.textContent = search(treeOf(target), target.value.trim().toLowerCase());
};
document.addEventListener("input", searchFor);

// Esc empties the search first; then it closes the drawer.
document.addEventListener(
  "keydown",
  (event) => {
    const { key, target } = event;
    if (key !== "Escape" || !target.matches("[data-payload-search]") || !target.value) return;
    event.preventDefault();
    event.stopPropagation();
    target.value = "";
    target.dispatchEvent(new Event("input", { bubbles: true }));
  },
  { capture: true },
);

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-payload-expand]");
  if (!button) return;
  const folds = [...treeOf(button).querySelectorAll("details")];
  const isOpen = folds.some((fold) => !fold.open);
  for (const fold of folds) fold.open = isOpen;
  button.textContent = isOpen ? "Fold all" : "Expand all";
});

// Somebody may have typed before this script was there.
const typed = document.querySelector("[data-payload-search]");
if (typed?.value) searchFor({ target: typed });
