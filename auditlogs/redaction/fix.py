"""FIX messages: the fields of a logon that hold a password.

Fields are `tag=value`, with the control character SOH between them, which logs show as `|`, `^A`
and the like. The tags are those of FIX 5.0 SP2, at www.fixtrading.org.
"""

import re
from collections.abc import Iterator

from auditlogs.redaction.patterns import Span

RULE = "key-name"
# Password, NewPassword, EncryptedPassword, EncryptedNewPassword.
TAGS = frozenset(("554", "925", "1402", "1404"))
# Fields beside which a number is the tag of a field: BeginString, MsgType, SenderCompID, Username.
NEIGHBOURS = frozenset(("8", "35", "49", "553"))
# RawData is a password or a signature in a logon, and text or data in other messages.
_RAW_DATA = "96"
_SEPARATOR = r"(?:\x01|\u2401|[|;]|\^A|<SOH>|\\x01|\\u0001)"
_BEGIN = rf"(?:^|{_SEPARATOR}|\s)"
_message = re.compile(rf"{_BEGIN}(?:8=FIX|35=\w{{1,2}}{_SEPARATOR})")
_logon = re.compile(rf"{_BEGIN}35=A{_SEPARATOR}")
_field = re.compile(
    rf"(?:^|(?<=[\x01\u2401|;A>\s])|(?<=\\x01)|(?<=\\u0001))"
    rf"({'|'.join((*sorted(TAGS), _RAW_DATA))})=([^\x01].*?)(?={_SEPARATOR}|[\s\"']|$)"
)


def find(text: str) -> Iterator[Span]:
    """Yield the passwords in the FIX messages of a text, without control characters removed."""
    if "=" not in text or not _message.search(text):
        return
    is_logon = _logon.search(text) is not None
    for match in _field.finditer(text):
        if match[1] != _RAW_DATA or is_logon:
            yield *match.span(2), RULE
