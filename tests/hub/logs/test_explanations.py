"""What the page of an entry says at once of why it failed, and where the help says more."""

from typing import Any, get_args
from urllib.parse import urldefrag

from django.urls import resolve

from auditlogs.entry.reasons import Slug
from auditlogs.entry.schema import Target
from hub.logs.explanations import failure_of, help_links, order_sentence
from hub.ui.reasons import REASONS
from tests.auditlogs.entry.test_reasons import failed

SCOPES = "/hub/help/scopes"
ORDERS = "/hub/help/order-lifecycle"
CODES = "/hub/help/error-codes"


def urls(
    payload: dict[str, Any] | None, action: str = "mcp.tool.call", result: str = "failure"
) -> list[str]:
    found = [each.url for each in help_links(failed(payload=payload, action=action, result=result))]
    for url in found:
        assert resolve(urldefrag(url).url)
    return found


def test_every_reason_has_words() -> None:
    assert REASONS.keys() == set(get_args(Slug))


def test_a_lack_of_scope_leads_to_the_scopes_and_to_its_code() -> None:
    assert urls({"code": "insufficient_scope"}) == [SCOPES, f"{CODES}#insufficient_scope"]
    assert urls({"status": 403}) == []


def test_values_of_the_entry_are_told_from_the_words_around_them() -> None:
    given = {"tool": "<b>", "requiredScope": "trade", "keyName": "scout"}
    failure = failure_of(failed(payload=given, target=Target(type="tool", id="x")))
    assert failure is not None
    assert [text for text, is_name in failure.parts if is_name] == ["scout", "trade", "<b>"]


def test_a_known_code_is_explained_and_an_unknown_one_quoted() -> None:
    idle = failure_of(failed(payload={"code": "stale_data"}))
    assert idle is not None
    assert idle.parts == [("The market data were too old to act on.", False)]
    assert urls({"code": -32602}) == [f"{CODES}#-32602"]
    unheard = failure_of(failed(payload={"code": "unheard_of", "error": "Out of coffee"}))
    assert unheard is not None
    assert "".join(text for text, _ in unheard.parts) == "It says: Out of coffee"
    assert urls({"code": "unheard_of"}) == urls({}) == urls(None) == []


def test_an_order_leads_to_its_lifecycle_and_says_its_state_unless_it_failed() -> None:
    assert urls({}, "order.created", "success") == [f"{ORDERS}#created"]
    assert urls(None, "order.filled", "partial") == [f"{ORDERS}#filled-in-part"]
    assert urls({}, "order.created", "failure") == [ORDERS]
    filled = failed(action="order.filled", result="success")
    assert order_sentence(filled) == "The whole amount was traded."
    blocked = {"code": "circuit_breaker_open"}
    assert urls(blocked, "order.rejected") == [
        f"{CODES}#circuit_breaker_open",
        f"{ORDERS}#rejected",
    ]
    assert order_sentence(failed(action="order.rejected", payload=blocked)) == ""
