import re

import pytest
from django.test import Client

from auditlogs.api.description import described
from hub.help.api_docs import kind_of
from hub.templatetags.hub import code_spans


@pytest.fixture
def markup(client: Client) -> str:
    response = client.get("/api/docs")
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_every_request_and_type_without_sign_in(markup: str) -> None:
    document = described()
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in markup
    for name in document["components"]["schemas"]:
        assert f'id="type-{name}"' in markup


def test_code_in_a_sentence_is_marked_up_and_escaped(markup: str) -> None:
    assert "Requires the scope <code>logs:read</code>." in markup
    assert "`" not in markup
    assert code_spans("`a<b` & `c") == "<code>a&lt;b</code> &amp; `c"


def test_it_loads_nothing_from_elsewhere_and_has_no_inline_script_or_style(markup: str) -> None:
    assert not re.search(r'(?:src|href)="(?:https?:)?//', markup)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", markup)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "#/components/schemas/Actor"}, "Actor"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, "array of one of a, b"),
        ({"type": ["string", "null"], "format": "date-time"}, "date-time or null"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, "integer, 1 to 9"),
        ({}, "any value"),
    ],
)
def test_a_schema_is_told_in_words(schema: dict[str, object], words: str) -> None:
    assert kind_of(schema) == words
