"""The client and a Hub that is really there: what is recorded is read, whole and once."""

import logging
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3
from pytest_django.live_server_helper import LiveServer

import auditlogs
from auditlogs.client import Client, delivery, outbox
from auditlogs.entry.identity import uuid7, uuid7_ms
from auditlogs.entry.times import format_rfc3339, now, to_ms
from auditlogs.intake.validation import InvalidEntry
from auditlogs.redaction import Redactor
from tests.auditlogs.client.faulty_hub import Answer, Visit, faulty_hub, hangs_up
from tests.auditlogs.conftest import PATIENCE_SECONDS, Read
from tests.factories import AGENT, ORDER, USER

KEY = "aud_" + "x" * 36


@pytest.fixture
def client(live_server: LiveServer, write_key: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(outbox, "EVERY_SECONDS", 0.05)
    with Client(live_server.url, write_key) as client:
        yield client


def test_an_entry_is_read_as_it_was_recorded(client: Client, read: Read) -> None:
    moment = now() - timedelta(hours=1)
    id_ = client.record(
        "order.filled",
        actor=AGENT,
        target=ORDER,
        result="partial",
        id="fill-1",
        timestamp=moment,
        action_type="trade",
        duration=41.5,
        correlation_id="4bf92f3577b34da6a3ce929d0e0e4736",
        request_id="req-1",
        session_id="sess-1",
        source_ip="203.0.113.24",
        bot_id="bot-1",
        payload={"pair": "SOL/USDC", "amount": 5, "apiKey": "ak-1"},
    )
    assert id_ == "fill-1"
    assert client.flush()
    (entry,) = read(1)
    # What was not sent is null.
    sent = {name: value for name, value in entry.items() if value is not None}
    assert {name: sent[name] for name in sent if name not in ("id", "recordedAt")} == {
        "timestamp": format_rfc3339(moment),
        "actor": AGENT,
        "action": "order.filled",
        "actionType": "trade",
        "target": ORDER,
        "result": "partial",
        "duration": 41.5,
        "correlationId": "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
        "requestId": "req-1",
        "sessionId": "sess-1",
        "sourceIp": "203.0.113.24",
        "botId": "bot-1",
        "payload": {"pair": "SOL/USDC", "amount": 5, "apiKey": "[REDACTED:key-name]"},
        "summary": "5 SOL/USDC",
        "writerId": "fill-1",
        "assertedBy": entry["assertedBy"],
        "redactions": [{"path": "/payload/apiKey", "rule": "key-name"}],
    }
    assert entry["assertedBy"]


def test_id_and_time_are_fixed_when_it_is_called() -> None:
    with faulty_hub() as hub, Client(hub.url, KEY) as client:
        before = to_ms(now())
        id_ = client.record("order.created", actor=AGENT, result="success")
        after = to_ms(now())
        assert before <= (uuid7_ms(id_) or 0) <= after
        assert client.flush()
        (entry,) = hub.visits[0].entries
        assert entry["id"] == id_
        assert to_ms(datetime.fromisoformat(entry["timestamp"])) == uuid7_ms(id_)


def test_an_id_that_has_its_time_needs_no_other(client: Client, read: Read) -> None:
    ms = to_ms(now()) - 3_600_000
    client.record("order.created", actor=AGENT, result="success", id=str(uuid7(ms)))
    assert client.flush()
    (entry,) = read(1)
    assert to_ms(datetime.fromisoformat(entry["timestamp"])) == ms


def test_ids_of_one_millisecond_differ() -> None:
    assert len({uuid7(1_700_000_000_000) for _ in range(10_000)}) == 10_000
    assert {uuid7(5).version for _ in range(100)} == {7}
    assert {uuid7(5).variant for _ in range(100)} == {uuid.RFC_4122}


def test_what_is_changed_after_the_call_is_not_sent() -> None:
    with faulty_hub() as hub, Client(hub.url, KEY) as client:
        payload = {"reason": "as it was"}
        client.record("order.created", actor=AGENT, result="success", payload=payload)
        payload["reason"] = "changed"
        assert client.flush()
        assert hub.visits[0].entries[0]["payload"] == {"reason": "as it was"}


def test_no_secret_leaves_the_process() -> None:
    redactor = Redactor(names=["deskCode"], patterns={"desk": "DESK-[0-9]{6}"})
    with faulty_hub() as hub, Client(hub.url, KEY, redactor=redactor) as client:
        client.record(
            "order.created",
            actor={"type": "agent", "id": "agent-7", "name": "Scout DESK-123456"},
            target={"type": "order", "id": "o", "name": "https://u:hunter2@desk.example.com/"},
            result="success",
            payload={"deskCode": "plain-1", "nested": [{"Pass-Word": "plain-2"}, "DESK-654321"]},
        )
        assert client.flush()
        body = hub.visits[0].body.decode()
    for secret in ("123456", "hunter2", "plain-1", "plain-2", "654321"):
        assert secret not in body
    assert body.count("[REDACTED:") == 5


UNFIT: dict[str, dict[str, Any]] = {
    "misspelt": {"sessionId": "s-1"},
    "another's account": {"account": "acme"},
    "no such actor": {"actor": {"type": "robot", "id": "r"}},
    "nothing to see": {"actor": {"type": "agent", "id": " "}},
    "no such result": {"result": "fine"},
    "no action": {"action": "created"},
    "of no type": {"action": "unknown.action"},
    "of another type": {"action": "order.created", "action_type": "mcp"},
    "id without time": {"id": "mine"},
    "no zone": {"timestamp": datetime(2026, 3, 1, 12)},  # noqa: DTZ001
    "far ahead": {"timestamp": datetime(2126, 3, 1, 12, tzinfo=UTC)},
    "too large": {"payload": {"text": "x" * 70_000}},
    "no JSON": {"payload": {"object": object()}},
    "no Unicode": {"payload": {"text": "\ud800"}},
    "no number": {"payload": {"number": float("nan")}},
    "too long": {"request_id": "x" * 200},
}


@pytest.mark.parametrize("fields", UNFIT.values(), ids=UNFIT.keys())
def test_what_the_log_would_refuse_is_refused_at_the_call(fields: dict[str, Any]) -> None:
    with faulty_hub() as hub, Client(hub.url, KEY) as client:
        call: Any = client.record
        with pytest.raises(InvalidEntry):
            call(**{"action": "order.created", "actor": AGENT, "result": "success"} | fields)
        assert client.flush()
        assert (hub.visits, client.lost) == ([], 0)


def test_the_context_says_what_the_call_does_not() -> None:
    with faulty_hub() as hub, Client(hub.url, KEY) as client:
        with auditlogs.bind(actor=USER, correlation_id="c-1", request_id="r-1"):
            client.record("order.created", result="success", request_id="r-2")
        assert client.flush()
        (entry,) = hub.visits[0].entries
    assert (entry["actor"], entry["correlationId"], entry["requestId"]) == (USER, "c-1", "r-2")


def test_an_entry_that_is_refused_is_dropped_alone_and_named(
    client: Client, read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    # Only the Hub knows how long entries are kept.
    old = datetime(2020, 1, 1, tzinfo=UTC)
    for number in range(10):
        client.record(
            "order.created",
            actor={"type": "agent", "id": f"agent-{number}"},
            result="success",
            id=f"order-{number}",
            timestamp=old if number in (3, 7) else now(),
        )
    assert client.flush()
    assert client.lost == 2
    kept = {entry["actor"]["id"] for entry in read(8)}
    assert kept == {f"agent-{number}" for number in range(10) if number not in (3, 7)}
    said = [entry.getMessage() for entry in caplog.records if entry.levelno == logging.ERROR]
    assert len(said) == 2
    assert "order-3 (order.created): /timestamp is older" in said[0]
    assert "order-7 (order.created): /timestamp is older" in said[1]


def test_an_id_with_other_content_is_dropped_alone_and_named(
    client: Client, read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    moment = now()
    for reason in ("first", "second"):
        client.record(
            "order.created",
            actor=AGENT,
            result="success",
            id="same",
            timestamp=moment,
            payload={"reason": reason},
        )
        client.record("order.filled", actor=AGENT, result="success")
        assert client.flush()
    assert client.lost == 1
    entries = [entry for entry in read(4) if entry["action"] != "access.denied"]
    assert sorted(entry["action"] for entry in entries) == [
        "order.created",
        "order.filled",
        "order.filled",
    ]
    assert [e["payload"] for e in entries if e["payload"]] == [{"reason": "first"}]
    assert "same (order.created)" in caplog.text


@pytest.mark.parametrize(("count", "size"), [(1_200, 10), (100, 60_000)])
def test_many_entries_go_in_as_many_bodies_as_it_takes(
    client: Client, read: Read, monkeypatch: pytest.MonkeyPatch, count: int, size: int
) -> None:
    monkeypatch.setattr(outbox, "EVERY_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(outbox, "ENOUGH", count)
    for number in range(count):
        client.record(
            "order.created",
            actor=AGENT,
            result="success",
            request_id=f"req-{number}",
            payload={"reason": "x" * size},
        )
    assert client.flush(PATIENCE_SECONDS)
    assert client.lost == 0
    assert len({entry["requestId"] for entry in read(count)}) == count


def test_what_was_stored_without_a_word_is_stored_once(
    live_server: LiveServer, write_key: str, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_PAUSE_SECONDS", 0.05)

    def stores_and_hangs_up(visit: Visit, handler: Any) -> None:
        urllib3.request(
            "POST",
            f"{live_server.url}/api/audit-logs",
            body=visit.body,
            headers={name: visit.headers[name] for name in ("Authorization", "Content-Type")},
        )
        hangs_up(visit, handler)

    def passes_on(visit: Visit, handler: Any) -> None:
        answer = urllib3.request(
            "POST",
            f"{live_server.url}/api/audit-logs",
            body=visit.body,
            headers={name: visit.headers[name] for name in ("Authorization", "Content-Type")},
        )
        handler.send_response(answer.status)
        handler.send_header("Content-Length", str(len(answer.data)))
        handler.end_headers()
        handler.wfile.write(answer.data)

    answers: list[Answer] = [stores_and_hangs_up, stores_and_hangs_up, passes_on]
    with faulty_hub(*answers) as hub, Client(hub.url, write_key) as client:
        for _ in range(50):
            client.record("order.created", actor=AGENT, result="success")
        assert client.flush(PATIENCE_SECONDS)
        assert (len(hub.visits), client.lost) == (3, 0)
    assert len(read(50)) == 50
