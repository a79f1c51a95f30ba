"""Keys of chains: WIF, extended keys, base58 and byte arrays.

64 hexadecimal digits are a transaction hash as often as a private key, so those go by the name
of their key only. 64 bytes in base58, 86 to 88 characters, are a Solana transaction's signature as
often as a Solana key pair, and nothing in them tells which without the arithmetic of Ed25519; so
they are taken for a key pair unless their name, or the word just before them, says signature,
transaction, hash or proof. 32 bytes in base58 are an address far more often than a seed: by name
only.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from auditlogs.redaction.names import is_signature_name
from auditlogs.redaction.patterns import Span, pattern, spans

RULE = "private-key"
_run = pattern(r"[1-9A-HJ-NP-Za-km-z]{51,}")
_extended = pattern(r"[a-zA-Z]prv[1-9A-HJ-NP-Za-km-z]{60,}")
_before = pattern(
    r"(?i)([a-z]+)[^a-z0-9]*$|([a-z]+) (?:is|was|id|of|confirmed|sent|with)[^a-z0-9]*$"
)
_numbers = pattern(
    r"(?:0x[0-9a-fA-F]{1,2}|[0-9]{1,3})"
    r"(?:\s*[,;:|/\s_-]\s*(?:0x[0-9a-fA-F]{1,2}|[0-9]{1,3})){31,}"
)
_number = pattern(r"0x[0-9a-fA-F]{1,2}|[0-9]{1,3}")


def find(data: bytes, is_signature: bool) -> Iterator[Span]:
    """Yield the private keys in a view. `is_signature` says that its name is that of one."""
    for start, end in spans(_extended, data):
        yield start, end, RULE
    for start, end in spans(_run, data):
        run = data[start:end]
        if (start and data[start - 1 : start].isalnum()) or data[end : end + 1].isalnum():
            continue
        if (
            len(run) in (51, 52) and run[:1] in (b"5", b"K", b"L", b"9", b"c") and _is_mixed(run)
        ) or (
            86 <= len(run) <= 88
            and _is_mixed(run)
            and not is_signature
            and not _follows_signature(data, start)
        ):
            yield start, end, RULE
    for start, end in spans(_numbers, data):
        if end - start > 64 * 12:
            continue
        numbers = [
            int(match[0], 16) if match[0][:2] == b"0x" else int(match[0])
            for match in _number.finditer(data[start:end])
        ]
        if is_key_of_bytes(numbers):
            yield start, end, RULE


def is_key_of_bytes(numbers: Sequence[Any]) -> bool:
    """Tell whether numbers are the 32 or 64 bytes of a key: as many different ones as in noise."""
    if len(numbers) not in (32, 64):
        return False
    if not all(type(number) is int and 0 <= number <= 255 for number in numbers):
        return False
    rising = sum(a < b for a, b in pairwise(numbers))
    return (
        len(set(numbers)) >= 20
        and sum(number >= 128 for number in numbers) >= 4
        and len(numbers) // 5 <= rising <= len(numbers) - len(numbers) // 5
    )


def _is_mixed(run: bytes) -> bool:
    return not run.isupper() and not run.islower() and any(48 <= char <= 57 for char in run)


def _follows_signature(data: bytes, start: int) -> bool:
    before = _before.search(data[max(0, start - 40) : start])
    return before is not None and any(
        is_signature_name(word.decode()) for word in before.groups() if word
    )
