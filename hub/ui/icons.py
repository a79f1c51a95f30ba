"""The Hub's icons, from Lucide: one SVG sprite in each page, whose symbols are used by name."""

import functools
from importlib.resources import files
from xml.etree import ElementTree
from zipfile import ZipFile

# The Hub's name of each icon, and Lucide's.
ICONS = {
    "agent": "bot",
    "user": "user",
    "system": "server",
    "success": "circle-check",
    "failure": "circle-x",
    "partial": "triangle-alert",
    "logs": "list",
    "emitter": "radio-tower",
    "review": "clipboard-check",
    "search": "search",
    "filters": "sliders-horizontal",
    "menu": "menu",
    "close": "x",
    "copy": "copy",
    "done": "check",
    "link": "link",
    "refresh": "refresh-cw",
    "ascending": "arrow-up",
    "descending": "arrow-down",
    "previous": "chevron-up",
    "next": "chevron-down",
    "older": "chevron-right",
    "newer": "chevron-left",
    "light": "sun",
    "dark": "moon",
    "keyboard": "keyboard",
    "sign-out": "log-out",
    "switch": "arrow-left-right",
    "account": "building-2",
    "key": "key-round",
    "members": "users",
    "settings": "settings",
    "add": "plus",
    "revoke": "ban",
    "target": "arrow-right",
    "nothing": "inbox",
    "warning": "triangle-alert",
    "clock": "clock",
    "help": "circle-question-mark",
    "view": "bookmark",
    "more": "ellipsis",
    "export": "download",
    "print": "printer",
    "terminal": "terminal",
    "only": "list-filter",
    "also": "circle-plus",
    "exclude": "circle-minus",
}


@functools.cache
def sprite() -> str:
    """Return a hidden SVG that holds every icon as a symbol."""
    # The package opens its archive once more for each icon, which takes a second for all of them.
    with files("lucide").joinpath("lucide.zip").open("rb") as file, ZipFile(file) as archive:
        symbols = "".join(
            _symbol(name, archive.read(f"{source}.svg")) for name, source in ICONS.items()
        )
    return f'<svg hidden xmlns="http://www.w3.org/2000/svg">{symbols}</svg>'


def _symbol(name: str, source: bytes) -> str:
    # What is within an SVG needs no namespace of its own in a page.
    plain = source.replace(b' xmlns="http://www.w3.org/2000/svg"', b"")
    svg = ElementTree.fromstring(plain)  # noqa: S314 – made by the icon package
    drawing = "".join(ElementTree.tostring(part, encoding="unicode") for part in svg)
    return f'<symbol id="icon-{name}" viewBox="0 0 24 24">{drawing.strip()}</symbol>'
