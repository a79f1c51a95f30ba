"""Why an entry failed, as one of a few slugs, determined from the entry alone.

Payloads come from other programs, so a reason is taken only from what says it: a code, the
beginning of a text, the scopes of a key, a decision, an approval. `RULES` is the one table of them.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, get_args

from auditlogs.entry.schema import Entry
from auditlogs.entry.tool_scopes import NAME_LENGTH

Slug = Literal[
    "kill_switch",
    "breaker_open",
    "missing_scope",
    "rate_limited",
    "key_rotated",
    "key_revoked",
    "key_expired",
    "invalid_key",
    "sign_in_refused",
    "locked_out",
    "refused_approval",
    "denied_by_policy",
    "invalid_arguments",
    "timeout",
    "cancelled",
    "order_rejected",
    "exception",
    "tool_error",
    "forbidden",
    "other",
]
SLUGS: tuple[Slug, ...] = get_args(Slug)

Rule = Callable[[Entry], bool]

FORBIDDEN, TOO_MANY_REQUESTS, TIMEOUTS = 403, 429, frozenset({408, 504})
# Of a text that says why, so many characters are looked at.
LOOKED_AT = 1_000
# Where a payload says in words why something failed: the most telling first.
WORDS = ("error", "reason", "message")
# MCP servers put words of their own before a tool's.
_BEGINNING = r"\s*(?:error executing tool [^\s:]{1,128}:\s*)?(?:the\s+)?"
# How a payload says that a scope was lacking, in words or by a code; and which, where what follows
# looks like a scope and is no longer than one.
LACK = re.compile(
    _BEGINNING + r"insufficient[ _-]scope\b(?::\s*([a-z](?:[\w.:/*-]{0,62}[\w*])?)\.?(?!\S))?",
    re.ASCII | re.IGNORECASE,
)
BREAKER = re.compile(
    _BEGINNING + r"circuit[ _-]?breaker (?:is |was )?open\b", re.ASCII | re.IGNORECASE
)
KILL_SWITCH = re.compile(
    _BEGINNING + r"kill[ _-]?switch (?:is |was )?(?:active|activated|engaged|on)\b",
    re.ASCII | re.IGNORECASE,
)
RATE_LIMIT = re.compile(
    _BEGINNING + r"(?:rate[ -]limit(?:ed|\b)|too many requests\b)", re.ASCII | re.IGNORECASE
)
# What made a key invalid, anywhere in the text of an error that is about a key by its code.
ROTATED, REVOKED, EXPIRED = (
    re.compile(rf"\b(?<!not ){word}\b", re.ASCII | re.IGNORECASE)
    for word in ("rotated", "revoked", "expired")
)
PROVIDER = re.compile(r"\bfor provider:? ([\w.-]{1,64})", re.ASCII | re.IGNORECASE)
INVALID_KEY = ("invalid_key", "invalid_api_key")


def reason_of(entry: Entry) -> Slug | None:
    """Return why an entry failed, "other" where it does not say; None for one that did not fail.

    An entry that is partial has a reason only where it gives one of the table.
    """
    if entry.result == "success":
        return None
    found: Slug | None = next((slug for slug, rule in RULES if rule(entry)), None)
    return found or ("other" if entry.result == "failure" else None)


def needed_scope(entry: Entry) -> str | None:
    """Return the scope that an entry says was needed, in a field of its own or in words."""
    named = (lack[1] for text in (*texts(entry), *_code(entry)) if (lack := LACK.match(text)))
    return text_of(_payload(entry).get("requiredScope")) or next(filter(None, named), None)


def carried_scopes(entry: Entry) -> list[str] | None:
    """Return the scopes that the key of an entry carried; None where it does not say."""
    carried = _payload(entry).get("keyScopes")
    if not isinstance(carried, list | tuple):
        return None
    return [each for each in carried if isinstance(each, str)]


def tool_of(entry: Entry) -> str | None:
    """Return the tool that a payload names, or else the one that the entry has for its target."""
    target = entry.target.id if entry.target and entry.target.type == "tool" else None
    return text_of(_payload(entry).get("tool")) or text_of(target)


def provider_of(entry: Entry) -> str | None:
    """Return the provider that a payload names, in a field of its own or after "for provider"."""
    if named := text_of(_payload(entry).get("provider")):
        return named
    found = (PROVIDER.search(text) for text in texts(entry))
    return next((match[1].rstrip(".") for match in found if match), None)


def texts(entry: Entry) -> list[str]:
    """Return the beginnings of the texts in which a payload says why, the most telling first."""
    return list(_texts(_payload(entry)))


def text_of(value: object) -> str | None:
    """Return a value where it is a text with something in it."""
    return value if isinstance(value, str) and value.strip() else None


def _payload(entry: Entry) -> Mapping[str, Any]:
    return entry.payload or {}


def _texts(payload: Mapping[str, Any]) -> Iterator[str]:
    for name in WORDS:
        value = payload.get(name)
        if isinstance(value, Mapping):
            value = value.get("message")
        if text := text_of(value):
            yield text[:LOOKED_AT]


def _code(entry: Entry) -> list[str]:
    """Return the code of a payload as text, in one spelling; none where it has no code."""
    code = _payload(entry).get("code")
    if isinstance(code, bool) or not isinstance(code, str | int):
        return []
    text = str(code) if isinstance(code, int) else code[:NAME_LENGTH]
    return [text.lower() if text.startswith("-") else text.lower().replace("-", "_")]


def _has_code(*codes: str) -> Rule:
    return lambda entry: any(code in codes for code in _code(entry))


def _says(pattern: re.Pattern[str]) -> Rule:
    return lambda entry: any(map(pattern.match, texts(entry)))


def _both(*rules: Rule) -> Rule:
    return lambda entry: all(rule(entry) for rule in rules)


def _mentions(pattern: re.Pattern[str]) -> Rule:
    return lambda entry: any(map(pattern.search, texts(entry)))


def _carries_no_needed_scope(entry: Entry) -> bool:
    """Whether nothing says that the key carried the scope that was needed."""
    carried = carried_scopes(entry)
    return carried is None or needed_scope(entry) not in carried


def _names_missing_scope(entry: Entry) -> bool:
    return bool(text_of(_payload(entry).get("requiredScope"))) and _carries_no_needed_scope(entry)


def _has_status(*statuses: object) -> Rule:
    return lambda entry: _payload(entry).get("status") in statuses


def _is_action(*actions: str) -> Rule:
    return lambda entry: entry.action in actions


def _was_denied(entry: Entry) -> bool:
    return entry.decision is not None and entry.decision.outcome == "denied"


def _was_refused(entry: Entry) -> bool:
    approval = entry.approval
    return approval is not None and approval.outcome in ("cancelled", "denied", "expired")


def _raised(entry: Entry) -> bool:
    return text_of(_payload(entry).get("errorType")) is not None


def _is_error(entry: Entry) -> bool:
    return _payload(entry).get("isError") is True


# The first rule that an entry meets tells its reason: codes and texts that leave no doubt, then
# what other fields say, then statuses and codes that many failures share.
RULES: tuple[tuple[Slug, Rule], ...] = (
    ("kill_switch", _has_code("kill_switch_active", "kill_switch")),
    ("breaker_open", _has_code("circuit_breaker_open", "breaker_open")),
    ("missing_scope", _both(_has_code("insufficient_scope"), _carries_no_needed_scope)),
    ("rate_limited", _has_code("rate_limited", "rate_limit_exceeded", "too_many_requests")),
    ("rate_limited", _is_action("rate_limit.hit")),
    ("key_rotated", _both(_has_code(*INVALID_KEY), _mentions(ROTATED))),
    ("key_rotated", _has_code("key_rotated", "rotated_key")),
    ("key_revoked", _both(_has_code(*INVALID_KEY), _mentions(REVOKED))),
    ("key_revoked", _has_code("key_revoked", "revoked_key")),
    ("key_expired", _both(_has_code(*INVALID_KEY), _mentions(EXPIRED))),
    ("key_expired", _has_code("key_expired", "expired_key")),
    ("invalid_key", _has_code(*INVALID_KEY)),
    ("locked_out", _has_code("locked_out")),
    ("missing_scope", _both(_says(LACK), _carries_no_needed_scope)),
    ("kill_switch", _says(KILL_SWITCH)),
    ("breaker_open", _says(BREAKER)),
    ("refused_approval", _was_refused),
    ("missing_scope", _names_missing_scope),
    ("denied_by_policy", _was_denied),
    ("denied_by_policy", _has_code("policy_denied", "denied_by_policy")),
    ("timeout", _has_code("timeout", "provider_timeout", "upstream_timeout", "-32001")),
    ("invalid_arguments", _has_code("invalid_arguments", "-32602")),
    ("rate_limited", _has_status(TOO_MANY_REQUESTS)),
    ("rate_limited", _says(RATE_LIMIT)),
    ("timeout", _has_status(*TIMEOUTS)),
    ("cancelled", _has_status("cancelled")),
    ("sign_in_refused", _is_action("auth.sign_in_failed", "auth.step_up.completed")),
    ("order_rejected", _is_action("order.rejected")),
    ("order_rejected", _has_code("order_rejected")),
    ("exception", _raised),
    ("tool_error", _is_error),
    ("forbidden", _has_status(FORBIDDEN)),
)
