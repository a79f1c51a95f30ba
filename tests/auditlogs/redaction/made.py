"""Texts generated from a seed: values for the slots of a template, and vendors' secrets."""

import re
import uuid
from random import Random

from auditlogs.redaction import vendors
from tests.planted import text

_slot = re.compile(r"«\d+:(\w+):(\d+)»")


def filled(form: str, random: Random) -> tuple[str, dict[str, str]]:
    """Return a template with random texts in its slots `«number:class:length»`, and the texts."""
    slots: dict[str, str] = {}
    for match in _slot.finditer(form):
        if match[0] not in slots:
            slots[match[0]] = _random(match[1], int(match[2]), random)
    return _slot.sub(lambda match: slots[match[0]], form), slots


def example(format_: str, random: Random) -> str:
    """Return a secret of a vendor's format."""
    made = ""
    for piece in vendors.pieces(format_):
        if piece.letters:
            made += text(random, piece.least, _letters(piece.letters))
        else:
            made += random.choice(piece.choices)
    return made


def _random(kind: str, length: int, random: Random) -> str:
    if kind == "uuid":
        return str(uuid.UUID(int=random.getrandbits(128)))
    if kind == "base64":
        letters = _letters(vendors.CLASSES["base62"]) + "+/"
        return text(random, length, letters)
    return text(random, length, _letters(vendors.CLASSES[kind]))


def _letters(class_: str) -> str:
    return "".join(char for char in map(chr, range(33, 127)) if re.match(f"[{class_}]", char))
