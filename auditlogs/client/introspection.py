"""Introspection: ask the Hub whether a token is an active agent's key (RFC 7662)."""

import re
from urllib.parse import urlencode

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from auditlogs.client.answers import UNREADABLE, detail
from auditlogs.redaction import Redactor

# An agent waits for the answer, so this is short.
TIMEOUT = urllib3.Timeout(connect=2.0, read=5.0)
MAX_ANSWER_BYTES = 64 << 10
# As long as a body of the endpoint has room for.
MAX_TOKEN_LENGTH = 4_096
CONNECTIONS = 8
TOKEN = re.compile(rf"[\x21-\x7e]{{1,{MAX_TOKEN_LENGTH}}}")


class KeysUnavailable(Exception):
    """The Hub did not answer whether a key is active; the message says why, without the token."""


class Introspection(msgspec.Struct, frozen=True):
    """What the Hub says of a token: of one that is not active, nothing more.

    `scope` holds scopes separated by spaces, `sub` the agent's id, `exp` seconds since the epoch.
    """

    active: bool
    scope: str = ""
    sub: str = ""
    exp: int | None = None
    key_id: str = ""
    key_name: str = ""


INACTIVE = Introspection(active=False)


class Introspector:
    """Asks one server with one log key, which needs the scope `keys:verify`."""

    def __init__(self, url: str, key: str, redactor: Redactor) -> None:
        self._url = f"{url.rstrip('/')}/api/keys/introspect"
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._redactor = redactor
        self._pool = urllib3.PoolManager(maxsize=CONNECTIONS, timeout=TIMEOUT, retries=False)

    def ask(self, token: str) -> Introspection:
        """Ask about a token. Raises KeysUnavailable where the Hub does not answer the question."""
        if not TOKEN.fullmatch(token):
            return INACTIVE
        try:
            response = self._pool.request(
                "POST",
                self._url,
                body=urlencode({"token": token}).encode(),
                headers=self._headers,
                redirect=False,
                preload_content=False,
            )
            status, text = response.status, response.read(MAX_ANSWER_BYTES)
            response.close()
        except HTTPError as error:
            raise KeysUnavailable(self._redactor.text(str(error))) from error
        if status != 200:
            raise KeysUnavailable(self._redactor.text(f"{status} {detail(text)}".rstrip()))
        try:
            return msgspec.json.decode(text, type=Introspection)
        except UNREADABLE as error:
            raise KeysUnavailable("the answer is not one of this log") from error
