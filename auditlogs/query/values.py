"""The values of a filter as one text: `a,b` keeps either, `-a` excludes, and a backslash marks a
comma, a backslash or a leading minus that belongs to a value. Code that builds a link with an exact
filter writes its value with `escape`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

MAX_VALUES = 20
EXCLUDE, ESCAPE, SEPARATOR = "-", "\\", ","


class BadValues(ValueError):
    """A text that is not a list of values; the message says what was expected."""


class TooManyValues(BadValues):
    """A text with more than MAX_VALUES values."""


@dataclass(frozen=True, slots=True)
class Values:
    """The values of which an entry has to have one, and those that it must not have.

    Without wanted ones every value but the unwanted is kept, and an entry without any.
    """

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    @classmethod
    def one(cls, value: str) -> Self:
        return cls((value,))

    def __bool__(self) -> bool:
        return bool(self.wanted or self.unwanted)

    def __str__(self) -> str:
        """Return the text that `parse` reads as these values."""
        excluded = (EXCLUDE + escape(value) for value in self.unwanted)
        return SEPARATOR.join((*map(escape, self.wanted), *excluded))

    @property
    def each(self) -> list[tuple[str, bool]]:
        """Every value, with whether it is excluded."""
        return [(value, False) for value in self.wanted] + [(v, True) for v in self.unwanted]

    @property
    def single(self) -> str | None:
        """The one wanted value, if there is nothing else."""
        return self.wanted[0] if len(self.wanted) == 1 and not self.unwanted else None

    def without(self, value: str, *, excluded: bool) -> Self:
        """Take a value from one side."""
        if excluded:
            return type(self)(self.wanted, tuple(v for v in self.unwanted if v != value))
        return type(self)(tuple(v for v in self.wanted if v != value), self.unwanted)

    def split(self, is_first: Callable[[str], bool]) -> tuple[Self, Self]:
        """Return the values of a kind, and the others."""
        first, second = (
            type(self)(*(tuple(v for v in side if is_first(v) == wanted) for side in self._sides))
            for wanted in (True, False)
        )
        return first, second

    def in_forms(self, forms: Callable[[str], Iterable[str]]) -> Self:
        """Return every form of each value, once."""
        wanted, unwanted = (
            tuple(dict.fromkeys(form for value in side for form in forms(value)))
            for side in self._sides
        )
        return type(self)(wanted, unwanted)

    def allows(self, value: str) -> bool:
        """Tell whether a field with this value is kept."""
        return value not in self.unwanted and (not self.wanted or value in self.wanted)

    @property
    def _sides(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return self.wanted, self.unwanted


def escape(value: str) -> str:
    """Return a value as the text of a filter that keeps it alone."""
    text = value.replace(ESCAPE, ESCAPE * 2).replace(SEPARATOR, ESCAPE + SEPARATOR)
    return ESCAPE + text if text.startswith(EXCLUDE) else text


def parse(text: str) -> Values:
    """Read the values of a filter, each once. A backslash before any other character is part of the
    value. An empty text has none.

    Raises BadValues for an empty value among others, and TooManyValues.
    """
    sides: dict[bool, dict[str, None]] = {False: {}, True: {}}
    for part in _split(text) if text else ():
        is_excluded = part.startswith(EXCLUDE)
        value = _unescape(part.removeprefix(EXCLUDE))
        if not value:
            raise BadValues("expected a value after each minus, and between commas")
        sides[is_excluded][value] = None
    if sum(map(len, sides.values())) > MAX_VALUES:
        raise TooManyValues(f"expected at most {MAX_VALUES} values")
    return Values(tuple(sides[False]), tuple(sides[True]))


def _split(text: str) -> Iterable[str]:
    """Yield the parts between commas that no backslash precedes, still escaped."""
    start = place = 0
    while place < len(text):
        if text[place] == ESCAPE:
            place += 1
        elif text[place] == SEPARATOR:
            yield text[start:place]
            start = place + 1
        place += 1
    yield text[start:]


def _unescape(part: str) -> str:
    if part.startswith(ESCAPE + EXCLUDE):
        part = part.removeprefix(ESCAPE)
    found, place = [], 0
    while place < len(part):
        if part[place] == ESCAPE and part[place + 1 : place + 2] in (ESCAPE, SEPARATOR):
            place += 1
        found.append(part[place])
        place += 1
    return "".join(found)
