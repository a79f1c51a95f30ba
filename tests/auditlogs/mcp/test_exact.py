"""Arguments get the digits of the body of their request, and nothing else of it."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from auditlogs.mcp import exact

BODY = b'{"params": {"name": "buy", "arguments": {"price": 12.50, "wei": 1e3, "to": "a"}}}'


def test_numbers_are_those_of_the_body() -> None:
    clean = exact.exact_arguments({"price": 12.5, "wei": 1000.0, "to": "a"}, BODY)
    assert {key: str(value) for key, value in clean.items()} == {
        "price": "12.50",
        "wei": "1E+3",
        "to": "a",
    }
    assert isinstance(clean["price"], Decimal)


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        # Another middleware may have changed them.
        ({"price": 13.5, "wei": 1000.0, "to": "a"}, BODY),
        ({"price": 12.5, "wei": 1000.0}, BODY),
        ({"price": 12.5}, b""),
        ({"price": 12.5}, b'{"params": {}}'),
        ({"price": 12.5}, b'{"params": {"arguments": {"price": 12.50, "n": NaN}}}'),
        ([12.5], b'[{"params": {"arguments": [12.50]}}]'),
        (None, b"no JSON"),
    ],
)
def test_other_arguments_than_those_of_the_body_stay(arguments: Any, body: bytes) -> None:
    assert exact.exact_arguments(arguments, body) is arguments


def test_a_body_that_is_missing_too_large_or_late_is_left_out() -> None:
    async def large() -> bytes:
        return b" " * (exact.MAX_BODY_BYTES + 1)

    async def late() -> bytes:
        await anyio.sleep(60)
        return BODY

    async def broken() -> bytes:
        raise RuntimeError("the stream was read before")

    async def read() -> list[bytes]:
        requests = (None, *(SimpleNamespace(body=body) for body in (large, late, broken)))
        contexts: list[Any] = [SimpleNamespace(request=request) for request in requests]
        return [await exact.body_of(context) for context in contexts]

    # In a thread of its own: an event loop may be running in this one.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(anyio.run, read).result() == [b""] * 4
