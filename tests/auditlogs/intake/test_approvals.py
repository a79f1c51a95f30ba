"""The hash of a tool's arguments: the canonical form of RFC 8785, after redaction."""

import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from auditlogs.entry import numbers
from auditlogs.entry.times import now
from auditlogs.intake.approvals import arguments_hash
from auditlogs.intake.validation import check
from auditlogs.redaction import Redactor
from tests.factories import AGENT

# From RFC 8785, section 3.2.2 and 3.2.3, but for what JSON's text alone has.
OF_THE_RFC = {
    "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\u0022/",
    "literals": [None, True, False],
}
CANONICAL = (
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
    '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_it_is_the_sha_256_of_the_canonical_json() -> None:
    expected = sha('{"arguments":' + CANONICAL + ',"tool":"swap"}')
    assert arguments_hash("swap", OF_THE_RFC) == expected


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2**53, "9007199254740992"),
        (2**53 + 1, '"9007199254740993"'),
        (-(2**60), '"-1152921504606846976"'),
        (Decimal(2**53 + 1), '"9007199254740993"'),
        (Decimal("12.50"), "12.5"),
        (Decimal("1E+400"), '"1E+400"'),
        (5.0, "5"),
        (True, "true"),
        (10**5_000, f'"1{"0" * 5_000}"'),
    ],
    # Python writes no int of so many digits.
    ids=range(9),
)
def test_an_integer_beyond_2_to_the_53_is_a_text_and_any_other_number_a_double(
    value: Any, written: str
) -> None:
    expected = sha('{"arguments":{"x":' + written + '},"tool":"t"}')
    assert arguments_hash("t", {"x": value}) == expected


def test_keys_are_in_the_order_of_utf_16_and_no_arguments_are_an_empty_object() -> None:
    assert arguments_hash("t", {"\ufb33": 1, "\U0001f600": 2}) == sha(
        '{"arguments":{"\U0001f600":2,"\ufb33":1},"tool":"t"}'
    )
    assert (
        arguments_hash("t", None) == arguments_hash("t", {}) == sha('{"arguments":{},"tool":"t"}')
    )


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.booleans() | st.text(max_size=9)))
def test_neither_the_order_of_keys_nor_the_way_through_json_changes_it(
    arguments: dict[str, Any],
) -> None:
    around = numbers.decode(json.dumps(dict(reversed(arguments.items()))))
    try:
        assert arguments_hash("t", around) == arguments_hash("t", arguments)
    except ValueError:
        assert "\\ud" in json.dumps(arguments)


def test_a_secret_does_not_count_but_what_stands_beside_it_does() -> None:
    hashes = {
        arguments_hash("t", {"amount": amount, "api_key": key})
        for amount, key in ((5, "ak-0d3f9b27c1"), (5, "ak-77b1e4a90c"), (6, "ak-0d3f9b27c1"))
    }
    assert len(hashes) == 2
    own = Redactor(names=["desk"])
    assert arguments_hash("t", {"desk": "a1"}, redactor=own) == arguments_hash(
        "t", {"desk": "b2"}, redactor=own
    )


@pytest.mark.parametrize("value", [float("nan"), "\ud800", object()])
def test_what_is_no_json_has_none(value: Any) -> None:
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        arguments_hash("t", {"x": value})


def test_an_approval_gets_the_hash_of_the_arguments_in_the_payload_unless_it_has_one() -> None:
    arguments = {"pair": "SOL/USDC", "api_key": "ak-0d3f9b27c1", "wei": 10**20}
    own = {"argumentsHash": "0f" * 32}

    def hash_with(payload: Any, approval: dict[str, str]) -> str | None:
        plain = {
            "action": "mcp.tool.call",
            "actor": AGENT,
            "result": "success",
            "payload": payload,
            "approval": {"id": "ap-1", "outcome": "granted", **approval},
        }
        found = check(plain, now(), redactor=Redactor(), kept_days=None).entry.approval
        assert found is not None
        return found.arguments_hash

    payload = {"tool": "swap", "arguments": arguments}
    assert hash_with(payload, {}) == arguments_hash("swap", arguments)
    assert hash_with(payload, own) == "0f" * 32
    others: list[Any] = [None, {"tool": "swap"}, {"tool": 7, "arguments": {}}, {"arguments": {}}]
    for other in others:
        assert hash_with(other, {}) is None
