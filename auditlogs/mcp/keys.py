"""Authentication: the agents' keys of an MCP server, as the Hub knows them.

keys = KeyVerifier(log.introspect, log.record, issuer=hub_url, server=server_url)
MCPServer("trading", token_verifier=keys, auth=keys.auth)
"""

import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, Literal, NamedTuple, Protocol

from anyio import to_thread
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.routes import build_resource_metadata_url
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

from auditlogs.mcp.caller import UNKNOWN_AGENT, key_of
from auditlogs.mcp.middleware import Record

WhenAway = Literal["refuse", "allow"]

# A revocation, and a new scope, take effect within this time.
MAX_CACHE_SECONDS = 30.0
# For how long after its last answer the Hub may be away, where keys are allowed meanwhile.
MAX_AWAY_SECONDS = 900.0
# Keys that are remembered; and of other texts, so that those cannot take the keys' places.
MAX_KEYS = 10_000
MAX_OTHERS = 1_000
# Entries of one minute about keys that were refused as the Hub was away; more are not recorded.
MAX_RECORDED = 10
MINUTE_SECONDS = 60.0
UNAVAILABLE = "keys_unavailable"
AWAY = "The Hub was away: allowed as it last answered"
REFUSED = "The key could not be checked, as the Hub is away; configured to refuse"

logger = logging.getLogger(__name__)


class Introspected(Protocol):
    """What the Hub says of a token; `auditlogs.client` has the class."""

    @property
    def active(self) -> bool: ...
    @property
    def scope(self) -> str: ...
    @property
    def sub(self) -> str: ...
    @property
    def exp(self) -> int | None: ...
    @property
    def key_id(self) -> str: ...
    @property
    def key_name(self) -> str: ...


class _Known(NamedTuple):
    """An answer of the Hub, and when it came, by the monotonic clock."""

    answer: Introspected
    at: float


class KeyVerifier:
    """Verifies agents' keys by asking the Hub, for the `token_verifier` of the official SDK.

    An answer counts for `cache_seconds`, at most 30. While the Hub is away keys are refused or,
    with `when_away="allow"`, those are allowed that it has last called active within 15 minutes;
    the entries say which.
    """

    def __init__(
        self,
        introspect: Callable[[str], Introspected],
        record: Record,
        *,
        issuer: str,
        server: str,
        cache_seconds: float = MAX_CACHE_SECONDS,
        when_away: WhenAway = "refuse",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`issuer` is the address of the Hub, `server` that of the MCP server as clients know it.
        Raises ValueError for a longer cache."""
        if not 0 <= cache_seconds <= MAX_CACHE_SECONDS:
            raise ValueError(f"cache_seconds must be from 0 to {MAX_CACHE_SECONDS:g}")
        self.record = record
        self._introspect = introspect
        self._issuer, self._server = AnyHttpUrl(issuer), AnyHttpUrl(server)
        self._cache_seconds = cache_seconds
        self._when_away = when_away
        self._clock = clock
        self._keys: OrderedDict[bytes, _Known] = OrderedDict()
        self._others: OrderedDict[bytes, _Known] = OrderedDict()
        self._lock = Lock()
        self._recorded: list[float] = []

    @property
    def auth(self) -> AuthSettings:
        """The settings of the SDK that go with this verifier."""
        return AuthSettings(
            issuer_url=self._issuer,
            resource_server_url=self._server,
            # Keys belong to an account, whichever of its servers the agent calls.
            validate_token_resource=False,
        )

    @property
    def resource_metadata_url(self) -> str:
        """The address of the server's metadata (RFC 9728), which challenges name."""
        return str(build_resource_metadata_url(self._server))

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what a key allows; None if it is not active. Raises nothing."""
        # The text itself is not kept.
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        known = self._lookup(digest)
        if known is None or self._clock() - known.at >= self._cache_seconds:
            try:
                answer = await to_thread.run_sync(self._introspect, token)
            except Exception as error:  # noqa: BLE001  (whatever fails, the Hub did not answer)
                logger.warning("a key could not be checked: %s", type(error).__name__)
                return await self._away(token, known)
            known = _Known(answer, self._clock())
            self._remember(digest, known)
        return _access(token, known.answer)

    async def _away(self, token: str, known: _Known | None) -> AccessToken | None:
        access = _access(token, known.answer) if known else None
        is_recent = known is not None and self._clock() - known.at < MAX_AWAY_SECONDS
        if access is not None and is_recent and self._when_away == "allow":
            access.claims = {**(access.claims or {}), "check": AWAY}
            return access
        if self._may_record():
            await to_thread.run_sync(self._record_refusal, access)
        return None

    def _record_refusal(self, access: AccessToken | None) -> None:
        actor = {"type": "agent", "id": access.client_id} if access else UNKNOWN_AGENT
        payload: dict[str, Any] = {"method": "api_key", "code": UNAVAILABLE}
        payload |= {"error": REFUSED, **(key_of(access) if access else {})}
        try:
            self.record("access.denied", result="failure", actor=actor, payload=payload)
        except Exception:
            logger.exception("a refusal was not recorded")

    def _may_record(self) -> bool:
        moment = self._clock()
        with self._lock:
            self._recorded = [at for at in self._recorded if moment - at < MINUTE_SECONDS]
            if len(self._recorded) >= MAX_RECORDED:
                return False
            self._recorded.append(moment)
            return True

    def _lookup(self, digest: bytes) -> _Known | None:
        with self._lock:
            return self._keys.get(digest) or self._others.get(digest)

    def _remember(self, digest: bytes, known: _Known) -> None:
        with self._lock:
            self._keys.pop(digest, None)
            self._others.pop(digest, None)
            kept, most = (
                (self._keys, MAX_KEYS) if known.answer.active else (self._others, MAX_OTHERS)
            )
            kept[digest] = known
            while len(kept) > most:
                kept.popitem(last=False)


def _access(token: str, answer: Introspected) -> AccessToken | None:
    if not answer.active or (answer.exp is not None and answer.exp <= time.time()):
        return None
    return AccessToken(
        token=token,
        client_id=answer.sub,
        subject=answer.sub,
        scopes=answer.scope.split(),
        expires_at=answer.exp,
        claims={"key_id": answer.key_id, "key_name": answer.key_name},
    )
