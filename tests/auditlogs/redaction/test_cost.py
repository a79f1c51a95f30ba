"""The cost of redaction, in function calls: unlike time, they are the same on a busy machine.

Calls of C functions count too. On the machine that the bounds were set on, 1,000,000 calls took
about 150 ms, and 64 KiB is the most that a payload may have.
"""

import cProfile
import json
from base64 import b64encode
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import quote

import pytest

from auditlogs.redaction import Redactor
from tests.planted import BASE58, mnemonic, text

REDACTOR = Redactor()
SIZE = 16_384
MOST_CALLS = 250_000
# An entry as agents write it, with ids that are new. Before names, objects and harmless texts
# were remembered it took 2,100 calls.
MOST_CALLS_OF_ENTRY = 1_650


def calls(entry: dict[str, Any]) -> int:
    """Return how many functions are called while an entry is redacted."""
    profile = cProfile.Profile()
    profile.runcall(REDACTOR.entry, entry)
    return sum(stat.callcount for stat in profile.getstats())


def filled(piece: Callable[[Random], str]) -> Callable[[int], Any]:
    """Return a maker of texts of a size from pieces, no two of which need be the same."""

    def make(size: int) -> str:
        random = Random(size)
        pieces = []
        length = 0
        while length < size:
            pieces.append(piece(random))
            length += len(pieces[-1])
        return "".join(pieces)[:size]

    return make


def listed(piece: Callable[[Random], Any]) -> Callable[[int], Any]:
    """Return a maker of lists whose JSON has a size."""

    def make(size: int) -> list[Any]:
        random = Random(size)
        items = []
        length = 0
        while length < size:
            items.append(piece(random))
            length += len(json.dumps(items[-1]))
        return items

    return make


def _nested(random: Random) -> Any:
    value: Any = text(random, 6)
    for _ in range(60):
        value = [value]
    return value


def _in_objects(random: Random) -> Any:
    value: Any = text(random, 6)
    for _ in range(60):
        value = {"k": value}
    return value


def _in_layers(random: Random) -> str:
    inner = json.dumps({"note": f"token: SOL, key={text(random, 4)}"})
    for _ in range(4):
        inner = quote(inner, safe="")
    return inner + " "


KINDS: dict[str, Callable[[int], Any]] = {
    "prose": filled(lambda r: f"{text(r, 5)} was filled at the price of the market, "),
    "random words": filled(lambda r: text(r, r.randint(3, 9)) + " "),
    "base58": filled(lambda r: "".join(r.choices(BASE58, k=88)) + " "),
    "hexadecimal digits": filled(lambda r: r.randbytes(16).hex() + " "),
    "base64": filled(lambda r: b64encode(r.randbytes(60)).decode() + " "),
    "base64 of text": filled(lambda r: b64encode(f"order {text(r, 9)}".encode()).decode() + " "),
    "mnemonics": filled(lambda r: " ".join(mnemonic(r)[0]) + " 1 "),
    "one word of a mnemonic": filled(lambda r: "key:"),
    "key: value": filled(lambda r: f"{text(r, 4)}_key: {text(r, 5)} "),
    "key=value": filled(lambda r: f"key_{text(r, 4)}={text(r, 6)}&"),
    "passwords": filled(lambda r: f"password={text(r, 8)} "),
    "URLs": filled(lambda r: f"https://{text(r, 5)}.io/x?{text(r, 4)}={text(r, 20)} "),
    "percent-encoded JSON": filled(lambda r: quote(json.dumps({"apiKey": text(r, 30)})) + " "),
    "percent signs in layers": filled(_in_layers),
    "escapes": filled(lambda r: "\\u0070assword=hunter2 "),
    "backslashes": filled(lambda r: "\\"),
    "quotes": filled(lambda r: "'\"`"),
    "brackets": filled(lambda r: "[{("),
    "Python's objects": filled(lambda r: f"{ {'name': 'password', 'value': text(r, 7)} }, "),
    "Python's texts": filled(lambda r: f"[{[text(r, 6) for _ in range(900)]}] "),
    "JSON in JSON": filled(lambda r: json.dumps(json.dumps([{"token": text(r, 4)}] * 50)) + " "),
    "elements": filled(lambda r: f"<token>{text(r, 3)}"),
    "rows": filled(lambda r: f"id,token\n{text(r, 3)},SOL\n"),
    "marks": filled(lambda r: "[REDACTED:api-key] key="),
    "percent-encoded words": filled(lambda r: quote(f"the key: {text(r, 3)} & more") + " "),
    "base64 of percent-encoded JSON": filled(
        lambda r: b64encode(quote(json.dumps({"apiKey": text(r, 12)})).encode()).decode() + " "
    ),
    "environment": filled(lambda r: f"API_KEY_{text(r, 2)}=changed\n"),
    "YAML": filled(lambda r: f"- name: token\n  value: SOL{text(r, 2)}\n"),
    "headers": filled(lambda r: f"X-Api-Key: {text(r, 20)}\r\n"),
    "SQL": filled(lambda r: f"INSERT INTO t (id, password) VALUES (1, '{text(r, 6)}');\n"),
    "curl": filled(lambda r: f"curl -u u:{text(r, 5)} -H 'X-Key: {text(r, 12)}' https://a.io\n"),
    "halves of PEM": filled(lambda r: f"-----BEGIN PRIVATE KEY-----\n{text(r, 30)}\n"),
    "hexadecimal runs": filled(lambda r: f"0x{r.randbytes(r.randint(8, 40)).hex()},"),
    "list of URLs": listed(lambda r: f"https://{text(r, 5)}.io/x?{text(r, 4)}={text(r, 20)}"),
    "deep objects": listed(_in_objects),
    "names": listed(lambda r: {f"{text(r, 4)}_token_{text(r, 4)}": text(r, 4)}),
    "short texts": listed(lambda r: text(r, 4)),
    "long texts": listed(lambda r: text(r, 30)),
    "objects": listed(lambda r: {text(r, 6): text(r, 3)}),
    "named values": listed(lambda r: {"name": text(r, 6), "value": text(r, 30)}),
    "deep lists": listed(_nested),
    "numbers": listed(lambda r: r.randrange(256)),
    "options": listed(lambda r: r.choice(["--token", "SOL", "-p", "x"])),
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_twice_as_much_is_at_most_twice_the_work(make: Callable[[int], Any]) -> None:
    half = make(SIZE // 2)
    # A text is repeated, as chance decides what another one has; a list would be known by half.
    whole = half * 2 if isinstance(half, str) else make(SIZE)
    calls({"payload": {"warm": make(SIZE // 4)}})
    number = calls({"payload": {"it": half}})
    assert calls({"payload": {"it": whole}}) <= min(2.3 * number + 2_000, MOST_CALLS)


@pytest.mark.parametrize("is_text", [False, True], ids=["list", "text"])
def test_what_has_too_many_secrets_is_not_read_to_its_end(is_text: bool) -> None:
    random = Random(3)
    passwords = [f"password={text(random, 9)}" for _ in range(2_400)]
    if is_text:
        passwords = [b64encode(word.encode()).decode() for word in passwords]
    parts = passwords[:1_100], passwords[1_100:]
    few, many = (calls({"payload": {"it": ", ".join(p) if is_text else p}}) for p in parts)
    assert many <= 1.2 * few


# Short texts that each need a thorough search, or hold another text that does.
MANY_TEXTS: dict[str, Callable[[Random], str]] = {
    "assignments": lambda r: f"key={text(r, 3)}",
    "elements": lambda r: f"<token>{text(r, 3)}",
    "embedded lists": lambda r: f"token [{text(r, 3)}]",
    "percent-encoded": lambda r: quote(f"key: {text(r, 4)}"),
    "Python's objects": lambda r: str({"token": text(r, 4)}),
    "base64 of JSON": lambda r: b64encode(json.dumps({"token": text(r, 4)}).encode()).decode(),
}


@pytest.mark.parametrize("piece", MANY_TEXTS.values(), ids=MANY_TEXTS)
def test_a_field_with_thousands_of_texts_to_search_is_replaced(
    piece: Callable[[Random], str],
) -> None:
    entry = {"payload": {"it": listed(piece)(4 * SIZE)}}
    assert calls(entry) <= 4 * MOST_CALLS
    clean = REDACTOR.entry(entry)
    assert clean == Redactor().entry(entry)  # Whatever is remembered of earlier entries.
    assert clean[0] == {"payload": {"redaction": "[REDACTED:too-many]"}}
    few = {"payload": {"it": entry["payload"]["it"][:700]}}
    assert "too-many" not in str(REDACTOR.entry(few))


@pytest.mark.parametrize(
    "piece",
    [
        lambda r: f"order-{r.randbytes(6).hex()}",
        lambda r: f"0192f3a4-{r.randbytes(2).hex()}-7abc-8def-{r.randbytes(6).hex()}",
        lambda r: "".join(r.choices(BASE58, k=44)),
        lambda r: {"".join(r.choices(BASE58, k=44)): r.random()},
        lambda r: {f"{text(r, 3)}/USDC": r.random()},
        lambda r: f"2026-11-26T10:11:{r.random() * 60:09.6f}Z",
        lambda r: "position key=SOL/USDC",  # One text, however often.
    ],
    ids=["orders", "UUIDs", "addresses", "balances", "pairs", "times", "one text"],
)
def test_a_payload_full_of_ids_stays(piece: Callable[[Random], Any]) -> None:
    entry = {"payload": {"it": listed(piece)(4 * SIZE - 2_000)}}
    assert REDACTOR.entry(entry) == (entry, [])


def test_an_ordinary_entry_is_little_work() -> None:
    random = Random(2)
    numbers = [calls(_ordinary(random)) for _ in range(40)]
    # The first ones fill what is remembered of names and of texts without secrets.
    assert sum(numbers[20:]) <= 20 * MOST_CALLS_OF_ENTRY


def _ordinary(random: Random) -> dict[str, Any]:
    return {
        "id": f"0192f3a4-{random.randbytes(2).hex()}-7abc-8def-{random.randbytes(6).hex()}",
        "timestamp": "2026-11-26T10:11:12.345Z",
        "action": random.choice(["order.created", "order.filled", "mcp.tool.call"]),
        "actor": {"type": "agent", "id": f"agent_{random.randbytes(3).hex()}", "name": "Scout"},
        "target": {
            "type": "order",
            "id": f"ord_{random.randbytes(8).hex()}",
            "name": "SOL/USDC buy",
        },
        "result": "success",
        "requestId": f"req_{random.randbytes(8).hex()}",
        "sessionId": f"sess_{random.randbytes(6).hex()}",
        "sourceIp": f"10.0.0.{random.randrange(256)}",
        "payload": {
            "tool": "place_order",
            "arguments": {"pair": "SOL/USDC", "side": "buy", "amount": f"{random.random():.4f}"},
            "txHash": f"0x{random.randbytes(32).hex()}",
            "wallet": f"0x{random.randbytes(20).hex()}",
            "note": f"Order filled on-chain after {random.randrange(90)} ms, route Jupiter > Orca",
            "url": f"https://dex.example.com/latest?chain=solana&page={random.randrange(9)}",
            "changes": [{"field": "maxSlippageBps", "from": 50, "to": 75}],
            "tags": ["momentum", "paper"],
            "error": None,
        },
    }
