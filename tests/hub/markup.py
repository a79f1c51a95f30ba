"""Just enough of HTML to ask a page what it says."""

import re
from collections.abc import Iterator
from functools import cached_property
from html.parser import HTMLParser

VOID = frozenset("area base br col embed hr img input link meta source track wbr use path".split())
PART = re.compile(r"([#.]?)([\w-]+)|\[([\w-]+)(?:=([^\]]*))?\]")


class Element:
    """An element, its attributes, and what it holds."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Element | str] = []

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def get(self, name: str) -> str | None:
        return self.attributes.get(name)

    @property
    def text(self) -> str:
        """What it says, with white space folded."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._texts()

    def walk(self) -> Iterator["Element"]:
        """Yield the element and every one in it, in the order of the document."""
        yield self
        yield from self._inside

    @cached_property
    def _inside(self) -> list["Element"]:
        # A page is searched often, and each search of a tree costs more than one of a list.
        inside: list[Element] = []
        for child in self.children:
            if isinstance(child, Element):
                inside.append(child)
                inside += child._inside
        return inside

    def all(self, *selectors: str) -> list["Element"]:
        """Return what matches, each selector within the one before: tag, #id, .class, [a=b]."""
        found = [self]
        for selector in selectors:
            parts = PART.findall(selector)
            inside = (each for parent in found for each in parent._inside)
            found = [each for each in inside if each._matches(parts)]
        return found

    def one(self, *selectors: str) -> "Element":
        """Return the one element that matches."""
        found = self.all(*selectors)
        assert len(found) == 1, f"{len(found)} elements match {selectors}"
        return found[0]

    def _matches(self, parts: list[tuple[str, str, str, str]]) -> bool:
        for sign, name, attribute, value in parts:
            if attribute:
                if self.get(attribute) is None or (value and self.get(attribute) != value):
                    return False
            elif sign == "#":
                if self.get("id") != name:
                    return False
            elif sign == ".":
                if name not in (self.get("class") or "").split():
                    return False
            elif self.tag != name:
                return False
        return True


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("document", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(html: str) -> Element:
    """Read a page or a part of one. Raises AssertionError where a tag is not closed."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is not closed"
    return reader.open[0]
