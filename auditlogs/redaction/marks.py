"""Marks: the texts that replace secrets."""

import re
from typing import Any

RULE_PATTERN = "[a-z0-9-]{1,40}"
# The built-in rules. A text may hold marks of others: an operator's, or made up by a writer.
RULES = frozenset(
    """
    api-key authorization base64 escaped hex jwt key-name mnemonic password-hash percent-encoded
    private-key redactor-failed too-deep too-many url-credentials url-secret webhook-url
    """.split()
)
_MARK = re.compile(rf"\[REDACTED:({RULE_PATTERN})\]")
_RULE = re.compile(RULE_PATTERN)


def mark(rule: str) -> str:
    """Return the text that replaces a secret that a rule matched."""
    return f"[REDACTED:{rule}]"


def whole_field(name: str, rule: str) -> Any:
    """Return what replaces a whole field of an entry. Its payload stays an object."""
    return {"redaction": mark(rule)} if name == "payload" else mark(rule)


def is_mark(value: Any) -> bool:
    """Return whether a value is a mark and nothing else."""
    return (
        isinstance(value, str)
        and value.startswith("[REDACTED:")
        and value.isascii()
        and bool(_MARK.fullmatch(value))
    )


def is_rule(name: str) -> bool:
    """Return whether a rule can have this name."""
    return bool(_RULE.fullmatch(name))


def rules_in(text: str) -> list[str]:
    """Return the rules of the marks in a text, each once, in the order of the text."""
    if "[REDACTED:" not in text:
        return []
    return list(dict.fromkeys(match[1] for match in _MARK.finditer(text)))


def parts_of(text: str) -> list[tuple[str, str]]:
    """Return the parts of a text in order: ("", rule) for a mark, (text, "") for other text."""
    parts: list[tuple[str, str]] = []
    end = 0
    for match in _MARK.finditer(text):
        parts += [(text[end : match.start()], ""), ("", match[1])]
        end = match.end()
    parts.append((text[end:], ""))
    return [part for part in parts if any(part)]


def without_marks(text: str) -> str:
    """Return the text with its marks removed."""
    return _MARK.sub("", text) if "[REDACTED:" in text else text


def masked(text: str) -> str:
    """Return the text in valid Unicode, with control characters in place of its marks."""
    text = whole(text)
    return _MARK.sub(lambda match: "\x01" * len(match[0]), text) if "[REDACTED:" in text else text


def whole(text: str) -> str:
    """Return the text with each lone surrogate replaced, because RE2 needs valid UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text
