"""Private keys of blockchains, distinguished from addresses and hashes by arithmetic.

64 bytes are a Solana key pair as often as a signature: they are a key pair exactly when the second
half is the Ed25519 public key of the first (RFC 8032). For 32
bytes only a name distinguishes a key from a hash or an address.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auditlogs.redaction.patterns import Span, pattern, spans

RULE = "private-key"
_BITCOIN = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_base58 = pattern(r"[1-9A-HJ-NP-Za-km-z]{26,}")
_hex128 = pattern(r"[0-9a-fA-F]{128}")
_base64_64 = pattern(r"[0-9A-Za-z+/_-]{85}[AQgw](?:==|%3D%3D)?")
_numbers = pattern(
    r"(?:0x[0-9a-fA-F]{1,2}|[0-9]{1,3})"
    r"(?:\s*[,;:|/\s_-]\s*(?:0x[0-9a-fA-F]{1,2}|[0-9]{1,3})){31,}"
)
_hex_bytes = pattern(r"(?i)\b[0-9a-f]{2}(?:[ :][0-9a-f]{2}){31,63}\b")
_number = pattern(r"0x[0-9a-fA-F]{1,2}|[0-9]{1,3}")
_named = pattern(
    r"(?i)(?:priv(?:ate)?|secret|seed|key[ _-]?pair|signing|mnemonic)[a-z_ -]*[\"']?"
    # The type may stand between: `priv := []byte{`, `secretKey = new Uint8Array([`.
    r"\s*(?:[:=]+)?\s*(?:[\w<>&*.\[\] ]{0,24}[\[({<]{1,2})?\s*(?:Buffer )?$"
)


def find(data: bytes) -> Iterator[Span]:
    """Yield the private keys in a view."""
    for start, end in spans(_base58, data) if len(data) >= 26 else ():
        # Next to a digit or letter it is a part of something longer.
        is_part = data[max(0, start - 1) : start].isalnum() or data[end : end + 1].isalnum()
        if not is_part and _is_key(data[start:end].decode()):
            yield start, end, RULE
    if len(data) < 64:
        return
    for start, end in spans(_hex128, data) if len(data) >= 128 else ():
        if is_key_pair(bytes.fromhex(data[start:end].decode())):
            yield start, end, RULE
    for start, end in spans(_base64_64, data) if len(data) >= 86 else ():
        run = data[start : start + 86].replace(b"-", b"+").replace(b"_", b"/")
        if is_key_pair(base64.b64decode(run + b"==")):
            yield start, end, RULE
    for start, end in spans(_hex_bytes, data):
        numbers = list(bytes.fromhex(data[start:end].replace(b":", b" ").decode()))
        if is_key_of_numbers(numbers, is_named=_is_named(data, start)):
            yield start, end, RULE
    for start, end in spans(_numbers, data):
        if end - start > 64 * 12:
            continue
        numbers = [
            int(match[0], 16) if match[0][:2] == b"0x" else int(match[0])
            for match in _number.finditer(data[start:end])
        ]
        if is_key_of_numbers(numbers, is_named=_is_named(data, start)):
            yield start, end, RULE


def _is_named(data: bytes, start: int) -> bool:
    return _named.search(data[max(0, start - 60) : start]) is not None


def is_key_of_numbers(numbers: Sequence[Any], *, is_named: bool) -> bool:
    """Return whether numbers are the bytes of a key pair, or of a secret if a name says so."""
    if len(numbers) not in (32, 64):
        return False
    if not all(type(number) is int and 0 <= number <= 255 for number in numbers):
        return False
    if len(numbers) == 64 and is_key_pair(bytes(numbers)):
        return True
    return is_named and _is_noise(numbers)


def _is_noise(numbers: Sequence[int]) -> bool:
    rising = sum(a < b for a, b in pairwise(numbers))
    return (
        len(set(numbers)) >= 20
        and sum(number >= 128 for number in numbers) >= 4
        and len(numbers) // 5 <= rising <= len(numbers) - len(numbers) // 5
    )


def is_key_pair(data: bytes) -> bool:
    """Return whether 64 bytes are an Ed25519 seed and the public key of it."""
    if len(data) != 64:
        return False
    return (
        Ed25519PrivateKey.from_private_bytes(data[:32]).public_key().public_bytes_raw() == data[32:]
    )


def is_base58_address(text: str) -> bool:
    """Return whether a text is 32 bytes in base58, as on Solana, or an address by its checksum."""
    if not 26 <= len(text) <= 44 or not text.isalnum():
        return False
    data = _from_base58(text, _BITCOIN)
    if data is None:
        return False
    if len(data) == 32:
        return True
    return 21 <= len(data) - 4 <= 23 and _has_checksum(data)


def _is_key(run: str) -> bool:
    if 86 <= len(run) <= 88:
        data = _from_base58(run, _BITCOIN)
        return data is not None and is_key_pair(data)
    if len(run) in (51, 52):
        # Of Bitcoin by its prefix, of other coins by the checksum.
        return (run[0] in "5KL9c" and _is_mixed(run)) or _is_checked_key(run)
    if len(run) == 58 and run.startswith("6P"):
        return True  # BIP-38
    if len(run) in (54, 98) and run.startswith(("edsk", "spsk", "p2sk")):
        return True  # Tezos
    if 28 <= len(run) <= 31 and run[0] == "s":
        return (len(run) == 31 and run.startswith("sEd")) or _is_ripple_seed(run)
    return len(run) >= 100 and run[1:4] == "prv"  # BIP-32 and SLIP-132


def _is_checked_key(run: str) -> bool:
    data = _from_base58(run, _BITCOIN)
    if data is None or not _has_checksum(data):
        return False
    body = data[:-4]
    return len(body) == 33 or (len(body) == 34 and body[-1] == 1)


def _is_ripple_seed(run: str) -> bool:
    data = _from_base58(run, _RIPPLE)
    return data is not None and len(data) in (21, 23) and _has_checksum(data)


def _has_checksum(data: bytes) -> bool:
    digest = hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()
    return digest[:4] == data[-4:]


def _from_base58(text: str, letters: str) -> bytes | None:
    number = 0
    for char in text:
        digit = letters.find(char)
        if digit < 0:
            return None
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip(letters[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8)


def _is_mixed(run: str) -> bool:
    return not run.isupper() and not run.islower() and any(map(str.isdigit, run))
