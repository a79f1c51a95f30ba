"""Authorization: a tool is called with a key that has its scope, or the call is refused.

    app = require_scopes(server.streamable_http_app(), keys, "tool_scopes.json")

A refusal is the protocol's challenge: 403 with `insufficient_scope` and the scope in the header
`WWW-Authenticate` (RFC 6750, section 3.1, and the MCP specification's "Scope Challenge Handling").
It comes before the server handles the message, as no answer in JSON-RPC has a status.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from os import PathLike, fspath
from typing import Any, NoReturn

from anyio import to_thread
from mcp.server.auth.provider import AccessToken

from auditlogs.entry import numbers
from auditlogs.entry.schema import ID_LENGTH, LONG_ID_LENGTH, NAME_LENGTH
from auditlogs.entry.tool_scopes import load, scopes_of_tools
from auditlogs.intake.context import session_label
from auditlogs.mcp.arguments import storable
from auditlogs.mcp.caller import key_of, sent_trace, visible
from auditlogs.mcp.keys import KeyVerifier

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# As large as the SDK takes a request by default.
MAX_BODY_BYTES = 4 << 20
CALL = "tools/call"
# As the decision of a refusal names it.
POLICY = "tool-scopes"
# The routes of a server's own may take forms, which are no messages of the protocol.
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

logger = logging.getLogger(__name__)


def require_scopes(
    app: App, keys: KeyVerifier, scopes: str | PathLike[str] | Mapping[str, str]
) -> App:
    """Wrap the streamable HTTP app of an MCP server so that each tool needs its scope.

    `scopes` is the file of AUDITLOGS_TOOL_SCOPES, or the scope of each tool. A tool without one is
    refused too. Every refusal is an entry. Raises BadToolScopes.
    """
    if not isinstance(scopes, Mapping):
        scopes = scopes_of_tools(load(fspath(scopes)))
    return _RequireScopes(app, keys, dict(scopes))


class _RequireScopes:
    def __init__(self, app: App, keys: KeyVerifier, scopes: Mapping[str, str]) -> None:
        self._app, self._keys, self._scopes = app, keys, scopes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        # Of a repeated header the first counts, as for the SDK.
        headers = {n.decode("latin-1").lower(): text.decode("latin-1")
                   for n, text in reversed(scope["headers"])}  # fmt: skip
        body = await _read(receive)
        if body is None:
            await _answer(send, 413, {"error": "invalid_request"})
            return
        try:
            sent = json.loads(
                body,
                parse_constant=_no_constant,
                parse_float=numbers.to_float,
                parse_int=numbers.to_int,
            )
        except (ValueError, RecursionError):
            if not headers.get("content-type", "").lower().startswith(FORMS):
                await _answer(send, 400, {"error": "invalid_request"})
                return
            await self._app(scope, _replay(body, receive), send)
            return
        access = await self._access(headers)
        for message in _calls(sent):
            if access is None:
                # The server would refuse it too, unless the key became valid in this moment.
                await self._refuse(send, 401, "invalid_token", "Authentication required")
                return
            needed = self._scopes.get(_tool(message))
            if needed is None or needed not in access.scopes:
                await to_thread.run_sync(self._record, scope, headers, access, message, needed)
                sentence = _sentence(message, needed)
                await self._refuse(send, 403, "insufficient_scope", sentence, needed)
                return
        try:
            # What was judged is what the server handles, however another parser reads what was
            # sent, and with all digits of its numbers, which the log keeps.
            body = numbers.encode(sent)
        except (ValueError, RecursionError):
            # JSON can escape lone surrogates, which have no UTF-8.
            await _answer(send, 400, {"error": "invalid_request"})
            return
        length = (b"content-length", str(len(body)).encode())
        rest = [pair for pair in scope["headers"] if pair[0].lower() != b"content-length"]
        await self._app({**scope, "headers": [*rest, length]}, _replay(body, receive), send)

    async def _access(self, headers: Mapping[str, str]) -> AccessToken | None:
        """Return what the key of a request allows; None without an active one."""
        kind, _, token = headers.get("authorization", "").partition(" ")
        return await self._keys.verify_token(token) if kind.lower() == "bearer" else None

    async def _refuse(
        self, send: Send, status: int, error: str, sentence: str, needed: str | None = None
    ) -> None:
        said = {"error": error, "error_description": sentence}
        parts = {**said, "scope": needed, "resource_metadata": self._keys.resource_metadata_url}
        named = (f'{name}="{_quotable(text)}"' for name, text in parts.items() if text)
        header = (b"www-authenticate", f"Bearer {', '.join(named)}".encode())
        await _answer(send, status, said, header)

    def _record(
        self,
        scope: Scope,
        headers: Mapping[str, str],
        access: AccessToken,
        message: Mapping[str, Any],
        needed: str | None,
    ) -> None:
        params = message["params"]
        meta = params.get("_meta")
        session = headers.get("mcp-session-id")
        tool = visible(_tool(message), LONG_ID_LENGTH)
        rule = f"{tool} needs {needed}" if needed else f"{tool} has no scope"
        meta_trace = meta.get("traceparent") if isinstance(meta, dict) else None
        fields: dict[str, Any] = {
            "actor": {"type": "agent", "id": visible(access.client_id, LONG_ID_LENGTH)},
            "target": {"type": "tool", "id": tool},
            "correlation_id": sent_trace(meta_trace, headers.get("traceparent")),
            "request_id": visible(message.get("id"), ID_LENGTH),
            "session_id": session_label(session) if session else None,
            "source_ip": scope["client"][0] if scope.get("client") else None,
            "authentication": "key" if key_of(access) else "token",
            "decision": {"outcome": "denied", "policy": POLICY, "rule": rule[:NAME_LENGTH]},
        }
        payload = {
            "tool": tool,
            "arguments": storable(params.get("arguments")),
            "status": 403,
            "code": "insufficient_scope",
            "error": _sentence(message, needed),
            "requiredScope": needed,
            **key_of(access),
        }
        try:
            self._keys.record("mcp.tool.call", result="failure", **fields, payload=payload)
        except Exception:
            logger.exception("a refused call was not recorded")


def _calls(sent: Any) -> Iterator[dict[str, Any]]:
    """Yield the calls of tools in a message, or in a batch, as the protocol of 2025-03-26 has."""
    for message in sent if isinstance(sent, list) else [sent]:
        if isinstance(message, dict) and message.get("method") == CALL:
            params = message.get("params")
            yield {**message, "params": params if isinstance(params, dict) else {}}


def _tool(message: Mapping[str, Any]) -> str:
    name = message["params"].get("name")
    return name if isinstance(name, str) else ""


def _sentence(message: Mapping[str, Any], needed: str | None) -> str:
    if needed:
        return f"Insufficient scope: {needed}"
    return f"Insufficient scope: none allows {visible(_tool(message), ID_LENGTH)}"


def _quotable(text: str) -> str:
    """Return a text as a quoted string of a header may have it (RFC 6750, section 3)."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text)


async def _read(receive: Receive) -> bytes | None:
    """Return the body of a request; None if it is too large."""
    body, has_more = bytearray(), True
    while has_more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        has_more = message["type"] == "http.request" and message.get("more_body", False)
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a body that was read, then what follows it, such as that the client has left."""
    is_sent = False

    async def replayed() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


async def _answer(
    send: Send, status: int, said: Mapping[str, Any], *headers: tuple[bytes, bytes]
) -> None:
    body = json.dumps(said).encode()
    plain = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    start = {"type": "http.response.start", "status": status, "headers": [*plain, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
