"""The file that declares the scopes of agents' keys: read whole, or refused with a reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from environs import ValidationError

from auditlogs.entry import tool_scopes
from auditlogs.entry.tool_scopes import BadToolScopes, load, scopes_of_tools
from hub.startup import validators

READ = {"sentence": "Look.", "tools": {"quote": "A price."}}


def written(path: Path, content: Any) -> str:
    file = path / "scopes.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(file)


def test_scopes_and_their_tools_are_read_in_their_order(tmp_path: Path) -> None:
    trade = {"sentence": "Trade.", "tools": {"buy": "", "sell": "Sell."}}
    scopes = load(written(tmp_path, {"read": READ, "trade": trade, "none": {"sentence": "None."}}))
    assert list(scopes) == ["read", "trade", "none"]
    assert scopes_of_tools(scopes) == {"quote": "read", "buy": "trade", "sell": "trade"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "expected a JSON object like"),
        (b"\xff{}", "expected a JSON object like"),
        (b"[" * 100_000, "expected a JSON object like"),
        ([], "Expected `object`, got `array`"),
        ({"read": {"sentence": "Look.", "tools": ["quote"]}}, r"\$\[\.\.\.\]\.tools"),
        ({"read": {"sentence": "Look.", "tool": {}}}, "unknown field `tool`"),
        ({"read": {"tools": {}}}, "missing required field `sentence`"),
        ({"read": {"sentence": ""}}, "read: expected a sentence of 1 to 300 characters"),
        ({"a b": READ}, "'a b': expected a scope such as trade"),
        ({'a"': READ}, "expected a scope such as trade"),
        ({"read": READ, "trade": READ}, "quote: expected one scope, not both read and trade"),
        ({"read": {"sentence": "L", "tools": {"": "x"}}}, "read: expected tools of 1 to 128"),
        ({"read": {"sentence": "L", "tools": {"a": "x" * 301}}}, "a: expected at most 300"),
        ({f"s{n}": {"sentence": "x"} for n in range(101)}, "expected at most 100 scopes"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: Any, reason: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(BadToolScopes, match=reason):
        load(path)
    with pytest.raises(ValidationError, match=reason):
        validators.tool_scopes(path)


@pytest.mark.parametrize("path", ["/nowhere/scopes.json", "/", "a\0b"])
def test_a_file_that_cannot_be_read_is_no_start(path: str) -> None:
    with pytest.raises(ValidationError, match="expected a file that can be read"):
        validators.tool_scopes(path)


def test_the_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_scopes, "MAX_FILE_BYTES", 100)
    path = written(tmp_path, {"read": {"sentence": "x" * 90}})
    with pytest.raises(BadToolScopes, match="at most 100 bytes"):
        load(path)
    validators.tool_scopes("")
