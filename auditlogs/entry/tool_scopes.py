"""The scopes of agents' keys and the tools that each allows, as a JSON file declares them.

    {"trade": {"sentence": "Place orders.", "tools": {"trade_execute": "Place an order."}}}

Every tool needs one scope, and no scope includes another.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

MAX_FILE_BYTES = 1 << 20
MAX_SCOPES = 100
MAX_TOOLS = 5_000
NAME_LENGTH = 128
SENTENCE_LENGTH = 300
# A scope token of RFC 6749, section 3.3, as it stands unescaped in a header and in a page's anchor.
SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/*-]{0,63}")
IS = 'expected a JSON object like {"trade": {"sentence": "…", "tools": {"trade_execute": "…"}}}'


class BadToolScopes(ValueError):
    """A file that does not declare scopes; the message says what was expected, and where."""


class ToolScope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scope in a sentence, and a sentence for each tool that it allows."""

    sentence: str
    tools: dict[str, str] = {}


def load(path: str) -> dict[str, ToolScope]:
    """Return the scopes that a file declares, in its order. Raises BadToolScopes."""
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise BadToolScopes("expected a file that can be read") from error
    if len(text) > MAX_FILE_BYTES:
        raise BadToolScopes(f"expected a file of at most {MAX_FILE_BYTES:,} bytes")
    try:
        scopes = msgspec.json.decode(text, type=dict[str, ToolScope])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadToolScopes(f"{IS}: {error}") from error
    _check(scopes)
    return scopes


def scopes_of_tools(scopes: Mapping[str, ToolScope]) -> dict[str, str]:
    """Return the scope that each tool needs."""
    return {tool: name for name, scope in scopes.items() for tool in scope.tools}


def _check(scopes: Mapping[str, ToolScope]) -> None:
    if len(scopes) > MAX_SCOPES:
        raise BadToolScopes(f"expected at most {MAX_SCOPES} scopes")
    scope_of: dict[str, str] = {}
    for name, scope in scopes.items():
        if not SCOPE.fullmatch(name):
            raise BadToolScopes(f"{name[:64]!r}: expected a scope such as trade or bots:read")
        if not 0 < len(scope.sentence) <= SENTENCE_LENGTH:
            raise BadToolScopes(f"{name}: expected a sentence of 1 to {SENTENCE_LENGTH} characters")
        for tool, sentence in scope.tools.items():
            if not (0 < len(tool) <= NAME_LENGTH and tool.isprintable()):
                raise BadToolScopes(f"{name}: expected tools of 1 to {NAME_LENGTH} characters")
            if len(sentence) > SENTENCE_LENGTH:
                raise BadToolScopes(f"{tool}: expected at most {SENTENCE_LENGTH} characters")
            if (other := scope_of.setdefault(tool, name)) != name:
                raise BadToolScopes(f"{tool}: expected one scope, not both {other} and {name}")
    if len(scope_of) > MAX_TOOLS:
        raise BadToolScopes(f"expected at most {MAX_TOOLS:,} tools")
