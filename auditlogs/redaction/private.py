"""Private keys in hexadecimal digits, identified by their context.

64 digits are a private key, a hash, a signature or a public key. The nearest name, words or code
around them decide.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

import re2

from auditlogs.redaction.names import Kind, Names
from auditlogs.redaction.patterns import Span, pattern, spans

RULE = "private-key"
_BEFORE = 120
_AFTER = 60
_NAME = 64
_GAP = 8
_key = pattern(r"(?i)\b(?:0x)?(?:ed|00)?[0-9a-f]{64}\b")
_whole = pattern(r"(?i)^(?:0x)?(?:ed|00)?[0-9a-f]{64}$")
_says_private = pattern(
    r"(?i)priv(?:ate)?[ _-]?key|secret(?:[ _-]?key)?|sign(?:ing|er)[ _-]?key|\b(?:\w+_)?[ps]k\b"
    r"|key[ _-]?(?:share|pair|material)|hexlify|mnemonic|\bseed|unknown key type|hex[ _-]?key"
    r"|import\w*[ _-](?:\w+[ _-])?(?:wallet|account|key)|wallet[ _-]import|\bwallet\s*\("
    r"|wallet\.add\s*\(|keytool[ _-]import|import[ _-]hex"
    r"|private[ _-]?keyto|from[ _-]?(?:private|secret|seed|key|bytes|hex)\w*\s*\(|importrawkey"
    r"|(?:signing|secret|private)key\(|\b(?:agent|api|deployer|operator|executor|trading|hot)[ _-]?"
    r"(?:wallet[ _-]?)?key"
)
_says_public = pattern(
    # The longest first, for "the hash of the private key".
    r"(?i)(?:hash|checksum|digest|fingerprint|id) (?:of|for|from) (?:\w+ ){0,2}?"
    r"(?:private|secret|signing)[ _-]?key(?: file)?"
    r"|hash|\btx|txn?id|transaction|signature|\bsig\b|signed|pub(?:lic)?[ _-]?(?:key)?\b|address"
    r"|\bblock|\broot|digest|sha-?[0-9]+|checksum|commit|topic|receipt|\border|condition|\bleaf"
    r"|proof|nonce|uuid|message id|request id"
)
_address = pattern(r"(?i)address\W{0,3}0x[0-9a-f]{40}\b")
_name_before = pattern(
    r"([\w.-]+)[\"'`\])]*\s*(?:=>|:=|=|:)?\s*(?:0x)?[\"'`(\[]*(?:[bBuUx]?[\"'`])?$"
)
_after_says = pattern(
    r"(?i)^[\"'`)\]\s,]*(?:is|was|as|[-=:(]|used as|for)?\W*(?:not )?(?:an? |the |my |your )?"
    r"(?:\w+ )?(?:private|secret|signing)[ _-]?key"
)
_words = re.compile(rb"[\w.-]+")


class PrivateKeys:
    """Finds private keys in hexadecimal digits."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def find(self, data: bytes) -> Iterator[Span]:
        """Yield the private keys in a view."""
        if len(data) < 64 or not _key.search(data):
            return
        plain = _address.sub(b"", data) if b"ddress" in data and len(data) < 4_096 else data
        private = [end for _, end in spans(_says_private, plain)]
        if not private and b"ey" not in plain and b"EY" not in plain:
            return
        public = [end for _, end in spans(_says_public, plain)]
        shift = len(data) - len(plain)
        after, named = -_GAP, None
        for start, end in spans(_key, plain):
            # An item of a list is of the same type as the item before it.
            if start - after >= _GAP or plain[after:start].strip(b" \t\r\n,;\"'[]"):
                named = self._named(plain[max(0, start - _NAME) : start])
            after = end
            if named is None:
                private_at, public_at = _before(private, start), _before(public, start)
                if max(private_at, public_at) >= 0:
                    named = private_at > public_at
                else:
                    named = _after_says.search(plain[end : end + _AFTER]) is not None
            if named:
                found = data.find(plain[start:end], start, end + shift)
                yield found, found + end - start, RULE

    def _named(self, before: bytes) -> bool | None:
        """Return whether the name right before a key is that of a private one, None if unclear."""
        named = _name_before.search(before)
        if named is None:
            return None
        kind = self._kind_of(before[: named.end(1)], named[1])
        if kind is Kind.PUBLIC:
            return False
        return True if kind in (Kind.SECRET, Kind.DOUBTFUL) else None

    def _kind_of(self, before: bytes, name: bytes) -> Kind:
        """Return the kind of a name, with regard to the word before it: `public key`."""
        found = self._names.kind(name.decode())
        words = _words.findall(before[-48:])[-2:]
        if len(words) == 2 and words[-1] == name and found is not Kind.SECRET:
            longer = self._names.kind(b" ".join(words).decode())
            if longer is Kind.PUBLIC or longer is Kind.SECRET:
                return longer
            if found is Kind.DOUBTFUL and longer is Kind.PLAIN:
                return Kind.PUBLIC
        return found


def is_hex_key(text: str) -> bool:
    """Return whether a text is 64 hexadecimal digits, which may be a private key."""
    return 64 <= len(text) <= 68 and text.isascii() and _whole.search(text.encode()) is not None


def says_private(text: str) -> bool:
    """Return whether a text mentions a private key, and nothing public after it."""
    data = text.encode(errors="replace")
    return _last(_says_private, data) > _last(_says_public, data)


def _before(ends: list[int], start: int) -> int:
    """Return the last of these places that precedes a key closely, -1 if none does."""
    i = bisect_right(ends, start) - 1
    return ends[i] if i >= 0 and ends[i] >= start - _BEFORE else -1


def _last(regexp: re2._Regexp, data: bytes) -> int:
    return max((end for _, end in spans(regexp, data)), default=-1)
