"""What a list must hold, in plain Python, from the documented rules alone.

Nothing here is taken from the package: texts are compared, entries chosen and sorted over plain
dictionaries as a writer sends them, one by one and in memory.
"""

import re
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

RANGES = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
KEPT = timedelta(days=30)
TYPES = ("auth", "trade", "config", "mcp", "system")
RESULTS = ("failure", "partial", "success")


@dataclass(frozen=True)
class Written:
    """An entry as it was written, under Python names and always with its action's type; the id
    and the summary that it was given."""

    id: uuid.UUID
    fields: Mapping[str, Any]
    summary: str | None


@dataclass(frozen=True)
class Asked:
    """What is asked of a list: the window as instants, everything else as it is in a URL; by whom:
    a reader of one bot alone, or of all."""

    now: datetime
    bot: str | None = None
    range: str = "all"
    start: datetime | None = None
    end: datetime | None = None
    sort: str = "-timestamp"
    equal: Mapping[str, str] = field(default_factory=dict)
    search: str = ""


def expected(entries: Iterable[Written], asked: Asked) -> list[uuid.UUID]:
    """Return the ids of the entries that a list holds, in its order."""
    kept = list(entries)
    is_found = looked_up(kept, asked) or (lambda entry: has_words(entry, asked.search))
    found = [
        entry
        for entry in kept
        if is_in_window(entry, asked) and is_wanted(entry, asked) and is_found(entry)
    ]
    newest_first = sorted(found, key=lambda entry: entry.id, reverse=True)
    key, descending = asked.sort.removeprefix("-"), asked.sort.startswith("-")
    ordered = sorted(newest_first, key=SORT_KEYS[key], reverse=descending)
    return [entry.id for entry in ordered]


def is_in_window(entry: Written, asked: Asked) -> bool:
    timestamp: datetime = entry.fields["timestamp"]
    start = asked.start
    if start is None and asked.range in RANGES:
        start = asked.now - RANGES[asked.range]
    end = asked.end
    if asked.range == "24h" and asked.start is None and end is None:
        # What is dated ahead of the clock, by more than a minute, is not of the last 24 hours.
        end = asked.now + timedelta(minutes=1)
    return (
        timestamp >= asked.now - KEPT
        and (start is None or timestamp >= start)
        and (end is None or timestamp < end)
    )


def is_wanted(entry: Written, asked: Asked) -> bool:
    fields, target = entry.fields, entry.fields["target"] or {}
    if asked.bot is not None and bot_id(fields) != asked.bot:
        return False
    values = {
        "actor": fields["actor"]["id"],
        "botId": bot_id(fields),
        "result": fields["result"],
        "target": target.get("id"),
        "correlationId": correlation(fields["correlation_id"]),
        "requestId": fields["request_id"],
        "sessionId": fields["session_id"],
        "assertedBy": fields["asserted_by"],
        "decision": (fields["decision"] or {}).get("outcome"),
        "approval": (fields["approval"] or {}).get("id"),
        "policy": (fields["decision"] or {}).get("policy"),
        "client": client(fields["agent"]),
        "runId": fields["run_id"],
        "sourceIp": fields["source_ip"],
    }
    payload = fields["payload"] or {}
    several: dict[str, list[str | None]] = {
        "principal": [each["id"] for each in (fields["actor"], *(fields["on_behalf_of"] or ()))],
        "key": [payload.get("keyName"), payload.get("keyId")],
        "tool": [payload.get("tool")],
        "code": [str(payload["code"]) if "code" in payload else None],
        "provider": [payload.get("provider")],
        "requiredScope": [payload.get("requiredScope")],
        "orderId": [payload.get("orderId")],
    }
    # An action and its type: no text is both.
    several["action"] = [fields["action"], fields["action_type"]]
    for name, text in asked.equal.items():
        actual = several[name] if name in several else [values[name]]
        wanted, unwanted = parts(text)
        if name in ("correlationId", "sessionId", "target"):
            # A UUID is the same one with and without hyphens.
            actual, wanted, unwanted = (
                [correlation(each) for each in side] for side in (actual, wanted, unwanted)
            )
        if wanted and not set(wanted) & set(actual):
            return False
        if set(unwanted) & set(actual):
            return False
    return True


def looked_up(entries: list[Written], asked: Asked) -> Callable[[Written], bool] | None:
    """Return the condition of an ID that the search is; None where it is none, or several."""
    word = asked.search.strip()
    is_word = len(word.split()) == 1 and '"' not in word
    if not is_word or len(word) < 8 or not any(char.isdecimal() for char in word):
        return None
    visible = [
        entry
        for entry in entries
        if asked.bot in (None, bot_id(entry.fields))
        and entry.fields["timestamp"] >= asked.now - KEPT
    ]
    for kind in ("entry", *IDS):
        if any(own_id(entry, kind) == correlation(word) for entry in visible):
            return partial(has_id, kind=kind, text=correlation(word))
    begin = {
        (kind, text)
        for entry in visible
        for kind in IDS
        if (text := own_id(entry, kind)) and begins(entry, kind, word)
    }
    if len({text for _, text in begin}) == 1:
        kind, text = min(begin, key=lambda each: list(IDS).index(each[0]))
        return partial(has_id, kind=kind, text=text)
    return None


IDS: dict[str, Callable[[Mapping[str, Any]], str | None]] = {
    "correlation": lambda fields: fields["correlation_id"],
    "request": lambda fields: fields["request_id"],
    "session": lambda fields: fields["session_id"],
    "run": lambda fields: fields["run_id"],
    "order": lambda fields: (fields["payload"] or {}).get("orderId"),
}


def own_id(entry: Written, kind: str) -> str | None:
    return correlation(str(entry.id) if kind == "entry" else IDS[kind](entry.fields))


def has_id(entry: Written, kind: str, text: str | None) -> bool:
    return own_id(entry, kind) == text


def begins(entry: Written, kind: str, word: str) -> bool:
    """Tell whether an ID begins with a word as it is stored; a correlation ID as a UUID too."""
    stored = IDS[kind](entry.fields) or ""
    if kind != "correlation":
        return stored.startswith(word)
    bare, is_hexadecimal = own_id(entry, kind) or "", not set(word) - set("0123456789abcdefABCDEF-")
    if re.fullmatch("[0-9a-f]{32}", bare):
        hyphenated, digits = str(uuid.UUID(bare)), word.lower().replace("-", "")
        return hyphenated.startswith(word) or (is_hexadecimal and bare.startswith(digits))
    return stored.startswith(word)


def parts(text: str) -> tuple[list[str | None], list[str | None]]:
    """Return the wanted and the excluded values of a filter's text."""
    wanted: list[str | None] = []
    unwanted: list[str | None] = []
    for part in re.findall(r"(?:^|,)((?:[^,\\]|\\.)*)", text):
        # A backslash before anything else belongs to the value.
        bare = re.sub(r"^\\-", "-", part.removeprefix("-"))
        value = re.sub(r"\\([\\,])", r"\1", bare)
        (unwanted if part.startswith("-") else wanted).append(value)
    return wanted, unwanted


def has_words(entry: Written, search: str) -> bool:
    fields = entry.fields
    actor, target = fields["actor"], fields["target"] or {}
    searched = [fields["action"], actor["id"], actor["name"]]
    searched += [target.get("type"), target.get("id"), target.get("name")]
    if fields["result"] != "success":
        searched.append(entry.summary)
    texts = [norm(text) for text in searched if text is not None]
    return all(
        any(stands_in(form, text) for form in forms(word) for text in texts)
        for word in words(search)
    )


def forms(word: str) -> list[str]:
    """Return a word, and a UUID in its other form too."""
    bare = correlation(word)
    if bare is None or not re.fullmatch("[0-9a-f]{32}", bare):
        return [word]
    return [bare, str(uuid.UUID(bare))]


def norm(text: str) -> str:
    """NFKC, case folding, then no accents of Latin, Greek and Cyrillic letters."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    clusters = re.findall(r"(?s).[\u0300-\u036f]*", decomposed)
    bare = (each[0] if script(each[0]) in ACCENTED else each for each in clusters)
    return unicodedata.normalize("NFC", "".join(bare))


ACCENTED = {"LATIN", "GREEK", "CYRILLIC"}
UNSPACED = {"CJK", "HIRAGANA", "KATAKANA"}


def script(char: str) -> str:
    return unicodedata.name(char, "").split(" ")[0]


def stands_in(word: str, field: str) -> bool:
    """Tell whether the word's first letter or digit starts a piece of the field, and the whole word
    stands there."""
    first = next((i for i, char in enumerate(word) if is_letter_or_digit(char)), None)
    if first is None:
        return False
    starts = (i for i in range(len(field)) if field.startswith(word, i))
    return any(starts_a_piece(field, i + first) for i in starts)


def starts_a_piece(field: str, place: int) -> bool:
    if script(field[place]) in UNSPACED:
        return True
    before = field[:place]
    while before and unicodedata.category(before[-1]).startswith("M"):
        before = before[:-1]  # A mark belongs to the letter or sign before it.
    return not before or not is_letter_or_digit(before[-1])


def is_letter_or_digit(char: str) -> bool:
    category = unicodedata.category(char)
    return category.startswith("L") or category == "Nd"


def words(search: str) -> list[str]:
    """Split at white space, but not between two quotation marks that a word begins with."""
    found: list[str] = []
    rest = norm(search).strip()
    while rest:
        if rest.startswith('"') and '"' in rest[1:]:
            phrase, _, rest = rest[1:].partition('"')
            found += [phrase] if phrase.strip() else []
        else:
            word, *others = rest.split(maxsplit=1)
            rest = "".join(others)
            found += [word.removeprefix('"')] if word != '"' else []
        rest = rest.strip()
    return found


def correlation(text: str | None) -> str | None:
    """Return a correlation ID in one of its two forms: without hyphens if it can be."""
    if text is not None:
        is_hyphenated = [len(part) for part in text.split("-")] == [8, 4, 4, 4, 12]
        bare = text.replace("-", "") if is_hyphenated else text
        if re.fullmatch("[0-9a-fA-F]{32}", bare):
            return bare.lower()
    return text


def bot_id(fields: Mapping[str, Any]) -> str | None:
    own: str | None = fields["bot_id"]
    actor = fields["actor"]
    return own if own is not None or actor["type"] != "agent" else actor["id"]


def client(agent: Mapping[str, str] | None) -> str | None:
    """Return an agent's program as one text, version and model."""
    parts = [agent[each] for each in ("version", "model") if each in agent] if agent else []
    return " ".join(parts) or None


def by_actor(entry: Written) -> tuple[str, str]:
    actor = entry.fields["actor"]
    name: str | None = actor["name"]
    return norm(name) if name is not None else actor["id"], actor["id"]


# By time newest first is the order that every other one starts from.
SORT_KEYS: dict[str, Callable[[Written], Any]] = {
    "timestamp": lambda entry: entry.id,
    "actor": by_actor,
    "action": lambda entry: entry.fields["action"],
    "result": lambda entry: RESULTS.index(entry.fields["result"]),
}
