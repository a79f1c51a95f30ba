"""The shape of an explanation, in the API and for pages: a sentence, facts and links."""

from datetime import timedelta

from msgspec import Struct

from auditlogs.entry.reasons import Slug

# How many characters of an entry's text a sentence quotes.
SHOWN = 80


class Name(str):
    """A value of an entry in a sentence, which pages set apart from the words around it."""

    __slots__ = ()


# Words and names in turn; joined they are the sentence of the API.
Sentence = tuple[str, ...]


class Fact(Struct, frozen=True, kw_only=True, rename="camel"):
    """A figure and what it is of. `filters` are the parameters of a list that holds exactly what
    was counted, `entry_id` the one entry that says it."""

    name: str
    figure: str
    text: str
    filters: dict[str, str] | None = None
    entry_id: str | None = None


class Link(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What an explanation leads to: an entry, or a key, by their relation to the entry."""

    rel: str
    entry_id: str | None = None
    key_id: str | None = None


class Explanation(Struct, frozen=True, kw_only=True, rename="camel"):
    """Why an entry failed, from stored entries that its reader may see.

    Without `is_complete` the log did not answer in time, and facts are missing.
    """

    slug: Slug
    sentence: str
    facts: list[Fact]
    links: list[Link]
    is_complete: bool = True


def quoted(text: object) -> Name:
    """Return a value, or its beginning, on one line."""
    line = " ".join(str(text)[: 4 * SHOWN].split())
    return Name(line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…")


def length_of(span: timedelta) -> str:
    """Return a length of time in its two largest units: "0.15 s", "14.3 s", "9 min 40 s"."""
    seconds = abs(span.total_seconds())
    if seconds < 60:
        return f"{seconds:.3g} s"
    whole = int(seconds)
    units = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
    parts: list[str] = []
    for unit, word in units:
        number, whole = divmod(whole, unit)
        if number or parts:
            parts.append(f"{number} {word}" if number else "")
    return " ".join(filter(None, parts[:2]))


def figure_of(number: int, *, is_more: bool) -> str:
    """Return "1,204", or "1,204+" where not all were counted."""
    return f"{number:,}{'+' if is_more else ''}"


def many(number: int, one: str, several: str = "") -> str:
    """Return "1 call" or "7 calls"."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
