"""The client on a network that fails: what it holds, tries again, and gives up."""

import logging
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from auditlogs.client import Client, answers, delivery, outbox
from auditlogs.client.answers import Verdict
from hub.demo.ports import free_port
from tests.auditlogs.client.faulty_hub import Visit, faulty_hub, hangs_up, says
from tests.factories import AGENT

KEY = "aud_" + "x" * 36
# Never reached where nothing hangs.
LONG = 20.0


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for seconds where it is not the wait that is looked at."""
    monkeypatch.setattr(delivery, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "EVERY_SECONDS", 0.05)


def record(client: Client, count: int = 1) -> list[str]:
    return [
        client.record("order.created", actor=AGENT, result="success", payload={"number": number})
        for number in range(count)
    ]


def test_what_was_recorded_is_sent_within_a_second_without_being_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "EVERY_SECONDS", 1.0)
    with faulty_hub() as hub, Client(hub.url, KEY) as client:
        ids = record(client, 3)
        began = time.monotonic()
        while not hub.visits and time.monotonic() < began + LONG:
            time.sleep(0.01)
        assert 0.8 < hub.visits[0].at - began < 2
        assert hub.visits[0].ids == ids
        assert hub.visits[0].headers["Authorization"] == f"Bearer {KEY}"


def test_five_hundred_entries_are_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "EVERY_SECONDS", LONG)
    with faulty_hub() as hub, Client(hub.url, KEY) as client:
        began = time.monotonic()
        ids = record(client, 500)
        while len(hub.ids) < 500 and time.monotonic() < began + LONG / 2:
            time.sleep(0.01)
        assert sorted(hub.ids) == sorted(ids)


@pytest.mark.parametrize(
    "answer",
    [
        hangs_up,
        says(503, {"detail": "The log's database cannot be reached."}),
        says(429, {}),
        says(502, b"<html>Bad gateway</html>"),
        says(401, {"detail": "The API key is not valid."}),
        says(403, {"detail": "The API key needs the scope logs:write."}),
        says(200, b"<html>Sign in to this network</html>"),
        says(201, []),
        says(409, {"entries": []}),
        says(503, b'{"detail":' * 100_000),
        says(503, {}, {"Retry-After": "9" * 5_000}),
        says(503, {}, {"Retry-After": "Fri, 31 Dec 99999 23:59:59 GMT"}),
    ],
)
def test_the_same_entries_are_sent_until_the_log_says_that_it_has_them(answer: object) -> None:
    with faulty_hub(answer, answer) as hub, Client(hub.url, KEY) as client:  # type: ignore[arg-type]
        ids = record(client, 5)
        assert client.flush(LONG)
        assert [visit.ids for visit in hub.visits] == [ids, ids, ids]
        assert len({visit.body for visit in hub.visits}) == 1
        assert client.lost == 0


def test_a_redirect_is_named_and_not_followed(caplog: pytest.LogCaptureFixture) -> None:
    answer = says(308, b"", {"Location": "https://logs.example.com/?token=hunter2"})
    with faulty_hub(answer) as hub, Client(hub.url, KEY) as client:
        record(client)
        assert client.flush(LONG)
        assert (len(hub.visits), client.lost) == (2, 0)
    assert "308 redirects to https://logs.example.com/, change the client's url" in caplog.text


def test_an_unexpected_error_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    errors = [MemoryError()]

    def verdict(status: int, text: bytes, count: int) -> Verdict | None:
        if errors:
            raise errors.pop()
        return answers.verdict(status, text, count)

    monkeypatch.setattr(delivery, "verdict", verdict)
    with faulty_hub() as hub, Client(hub.url, KEY) as client:
        ids = record(client)
        assert client.flush(LONG)
        assert ([visit.ids for visit in hub.visits], client.lost) == ([ids, ids], 0)
    assert "MemoryError" in caplog.text


def test_a_process_without_a_thread_to_spare_records_and_sends_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with faulty_hub() as hub, Client(hub.url, KEY) as client:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            (first,) = record(client)
        (second,) = record(client)
        assert client.flush(LONG)
        assert (hub.ids, client.lost) == ([first, second], 0)


@pytest.mark.parametrize("status", ["created", "duplicate", "spooled"])
def test_what_is_stored_or_spooled_is_not_sent_again(status: str) -> None:
    answer = says(202, [{"index": 0, "id": "x", "status": status}])
    with faulty_hub(answer) as hub, Client(hub.url, KEY) as client:
        record(client)
        assert client.flush(LONG)
        assert (len(hub.visits), client.lost) == (1, 0)


def test_one_connection_serves_many_batches() -> None:
    with faulty_hub(says(503, {"detail": "not now"})) as hub, Client(hub.url, KEY) as client:
        for _ in range(3):
            record(client)
            assert client.flush(LONG)
        assert len(hub.visits) == 4
        assert len({visit.connection for visit in hub.visits}) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_it_waits_as_long_as_the_hub_asks(status: int) -> None:
    with (
        faulty_hub(says(status, {}, {"Retry-After": "1"})) as hub,
        Client(hub.url, KEY) as client,
    ):
        record(client)
        assert client.flush(LONG)
        assert 1 <= hub.visits[1].at - hub.visits[0].at < 2


def test_entries_wait_for_a_hub_that_is_not_there_yet() -> None:
    port = free_port()
    with Client(f"http://127.0.0.1:{port}", KEY) as client:
        ids = record(client, 3)
        assert not client.flush(0.3)
        with faulty_hub(port=port) as hub:
            assert client.flush(LONG)
            assert hub.ids == ids
    assert client.lost == 0


def test_pauses_grow_and_are_not_the_same_for_everyone() -> None:
    pauses = [delivery._backoff(attempt) for attempt in range(40) for _ in range(20)]
    assert max(pauses) <= delivery.LONGEST_PAUSE_SECONDS
    assert len(set(pauses)) > 700
    assert min(pauses[-20:]) >= delivery.LONGEST_PAUSE_SECONDS / 2
    asked = {delivery._spread(60, delivery.RETRY_AFTER_SPREAD) for _ in range(100)}
    assert len(asked) > 50
    assert all(60 <= seconds <= 75 for seconds in asked)


def test_what_a_proxy_finds_too_large_goes_in_halves() -> None:
    too_large = says(413, b"<html>Request Entity Too Large</html>")
    with faulty_hub(too_large, too_large) as hub, Client(hub.url, KEY) as client:
        ids = record(client, 8)
        assert client.flush(LONG)
        assert [len(visit.ids) for visit in hub.visits] == [8, 4, 2, 2, 4]
        assert hub.ids[12:] == ids
        assert client.lost == 0


def test_an_entry_that_is_refused_alone_is_lost_and_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusals = [says(400, {"detail": "The body cannot be read."}), says(413, b"<html>")]
    with faulty_hub(*refusals) as hub, Client(hub.url, KEY) as client:
        (first,) = record(client)
        assert client.flush(LONG)
        (second,) = record(client)
        assert client.flush(LONG)
        assert (client.lost, len(hub.visits)) == (2, 2)
    assert f"{first} (order.created): The body cannot be read." in caplog.text
    assert f"{second} (order.created): status 413, without a reason" in caplog.text


def test_an_entry_that_the_key_may_not_write_is_lost_and_named_and_no_other_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fault = {"index": 1, "path": "/1/actor", "detail": "expected the actor agent bot_7"}
    with faulty_hub(says(403, {"errors": [fault]})) as hub, Client(hub.url, KEY) as client:
        ids = record(client, 3)
        assert client.flush(LONG)
        assert (client.lost, hub.visits[1].ids) == (1, [ids[0], ids[2]])
    assert f"{ids[1]} (order.created): /actor expected the actor agent bot_7" in caplog.text


def test_it_gives_up_after_a_while_and_says_how_many_are_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivery, "GIVE_UP_SECONDS", 0.3)
    with Client(f"http://127.0.0.1:{free_port()}", KEY) as client:
        record(client, 7)
        assert client.flush(LONG)
        assert client.lost == 7
    assert "7 entries lost" in caplog.text


def test_more_than_it_has_room_for_is_counted_and_said_and_nobody_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(outbox, "MAX_WAITING", 20)
    client = Client(f"http://127.0.0.1:{free_port()}", KEY)
    began = time.monotonic()
    record(client, 50)
    assert time.monotonic() - began < 1
    assert client.lost == 30
    client.close(0.2)
    assert client.lost == 50
    said = [entry.getMessage() for entry in caplog.records if entry.levelno == logging.ERROR]
    assert said[0] == "entry lost, too many are waiting; 1 lost so far"
    assert len(said) == 2
    assert "20 entries lost" in said[1]


def test_it_holds_so_many_bytes_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_WAITING_BYTES", 10_000)
    with faulty_hub() as hub, Client(hub.url, KEY) as client:
        for _ in range(5):
            client.record(
                "order.created", actor=AGENT, result="success", payload={"reason": "x" * 3_000}
            )
        assert client.lost == 2
        assert client.flush(LONG)
        client.record("order.created", actor=AGENT, result="success", payload={"a": "x" * 3_000})
        assert client.flush(LONG)
        assert (client.lost, len(hub.ids)) == (2, 4)


def test_closing_sends_what_waits_and_tries_at_once() -> None:
    with faulty_hub(says(503, {}, {"Retry-After": "60"})) as hub:
        client = Client(hub.url, KEY)
        ids = record(client, 3)
        while not hub.visits:
            time.sleep(0.01)
        time.sleep(0.1)
        began = time.monotonic()
        client.close()
        assert time.monotonic() - began < 2
        assert hub.visits[-1].ids == ids
        assert client.lost == 0
        with pytest.raises(RuntimeError, match="closed"):
            record(client)
        client.close()


def test_closing_takes_no_longer_than_it_may(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(f"http://127.0.0.1:{free_port()}", KEY)
    record(client, 3)
    began = time.monotonic()
    client.close(0.5)
    assert time.monotonic() - began < 1.5
    assert client.lost == 3
    assert "3 entries lost" in caplog.text


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("hub.example.com", KEY),
        ("https://hub?x=1", KEY),
        ("https://hub", ""),
        ("https://hub", "a\nb"),
    ],
)
def test_an_address_or_a_key_that_cannot_be_one_is_refused_without_being_said(
    url: str, key: str
) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        Client(url, key)
    assert not key or key not in str(caught.value)


def test_no_line_of_the_log_holds_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with faulty_hub(hangs_up, says(401, {"detail": "no"})) as hub, Client(hub.url, KEY) as client:
        record(client, 2)
        assert client.flush(LONG)
    assert caplog.records
    assert KEY not in caplog.text


def test_one_refused_entry_costs_its_neighbours_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def takes_all_but_one(visit: Visit, handler: BaseHTTPRequestHandler) -> None:
        refused = [{"index": 1, "path": "/1/timestamp", "code": "x", "detail": "is too old"}]
        kept = [{"index": i, "id": "x", "status": "created"} for i in (0, 2)]
        says(200, {"stored": kept, "refused": refused})(visit, handler)

    with faulty_hub(takes_all_but_one) as hub, Client(hub.url, KEY) as client:
        ids = record(client, 3)
        assert client.flush(LONG)
        assert client.lost == 1
        assert [visit.ids for visit in hub.visits] == [ids]
        assert hub.visits[0].path == "/api/audit-logs?allOrNothing=false"
    assert f"{ids[1]} (order.created): /timestamp is too old" in caplog.text


def test_an_answer_that_does_not_speak_of_every_entry_is_no_answer() -> None:
    answer = {"stored": [{"index": 0, "id": "x", "status": "created"}], "refused": []}
    with faulty_hub(says(200, answer)) as hub, Client(hub.url, KEY) as client:
        ids = record(client, 2)
        assert client.flush(LONG)
        assert [visit.ids for visit in hub.visits] == [ids, ids]
        assert client.lost == 0


def test_a_server_that_stores_all_or_nothing_is_sent_to_as_before() -> None:
    unknown = {"type": "urn:auditlogs:problem:unknown-parameter", "detail": "allOrNothing"}
    with faulty_hub(says(400, unknown)) as hub, Client(hub.url, KEY) as client:
        ids = record(client, 2)
        assert client.flush(LONG)
        more = record(client, 1)
        assert client.flush(LONG)
        assert [visit.ids for visit in hub.visits] == [ids, ids, more]
        assert [visit.path.partition("?")[2] for visit in hub.visits] == [
            *("allOrNothing=false", "", ""),
        ]
        assert client.lost == 0
