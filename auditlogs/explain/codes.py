"""Error codes and what they mean: those in payloads, and the problem types of the API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Topic = Literal["scopes", "orders"]

# Declared as types, so that mypy rejects code that records or answers anything else.
LogCode = Literal[
    "actor-mismatch",
    "bot-mismatch",
    "expired-key",
    "holder-without-access",
    "id-conflict",
    "insufficient-scope",
    "invalid-key",
    "key-in-query",
    "revoked-key",
]
ProblemSlug = Literal[
    "bad-request",
    "invalid-header",
    "invalid-parameter",
    "key-in-query",
    "malformed-gzip",
    "malformed-json",
    "unknown-parameter",
    "unauthorized",
    "actor-mismatch",
    "insufficient-scope",
    "not-found",
    "method-not-allowed",
    "not-acceptable",
    "export-running",
    "id-conflict",
    "length-required",
    "body-too-large",
    "too-many-entries",
    "unsupported-media-type",
    "control-character",
    "entry-too-large",
    "idempotency-key-reused",
    "invalid-entries",
    "invalid-value",
    "missing-field",
    "secret-in-id",
    "timestamp-out-of-range",
    "too-deep",
    "unknown-field",
    "rate-limited",
    "unexpected",
    "accounts-unavailable",
    "overloaded",
    "cannot-store",
    "database-unavailable",
    "query-timeout",
]


@dataclass(frozen=True, slots=True)
class Code:
    """What a code in a payload means, what to do about it, and the topic it belongs to."""

    meaning: str
    advice: str
    topic: Topic | None = None


# What the API records about its own requests.
LOG_CODES: dict[str, Code] = {
    "actor-mismatch": Code(
        "A bot’s key sent entries in another actor’s name. They were not stored.",
        "Give each bot a key of its own, or use a key that belongs to no bot.",
    ),
    "bot-mismatch": Code(
        "A bot’s key requested the entries of another bot.",
        "Use the other bot’s key, or one that belongs to no bot.",
    ),
    "expired-key": Code(
        "An API key was used after it had expired.",
        "Create a new key and give it to the client that uses the old one.",
    ),
    "holder-without-access": Code(
        "A session token was used by someone who may no longer read the account.",
        "If they have left, nothing. Otherwise give them access to the account again.",
    ),
    "id-conflict": Code(
        "A key sent an entry with the id and timestamp of a different entry, which stays.",
        "Find out why the writer uses an id twice: a retry has to send the same content.",
    ),
    "insufficient-scope": Code(
        "An API key lacked the scope that the request requires.",
        "Use a key with that scope, or leave the request to a client that has one.",
        "scopes",
    ),
    "invalid-key": Code(
        "A request had a key that does not exist: mistyped, truncated, or made up.",
        "Check the client’s configuration, and the address the requests come from.",
    ),
    "key-in-query": Code(
        "A key was sent in a URL, which proxies and servers write into their logs.",
        "Revoke the key, and let the client send the new one in the header Authorization.",
    ),
    "revoked-key": Code(
        "An API key was used after it had been revoked.",
        "Give the client a new key. If it should have none, find out who has the old one.",
    ),
}

# What the platform and its agents send.
PLATFORM_CODES: dict[str, Code] = {
    "bad_signature": Code(
        "The wallet or passkey did not sign the challenge correctly.",
        "Try again with the wallet or passkey that belongs to the person.",
    ),
    "challenge_expired": Code(
        "A proof of identity arrived after its challenge had expired.",
        "Ask for a new challenge and answer it in time.",
    ),
    "circuit_breaker_open": Code(
        "The provider had failed too often, so that no order went to it for a while.",
        "Wait until its circuit breaker closes, or send the order to another provider.",
        "orders",
    ),
    "insufficient_balance": Code(
        "The wallet held less than the order needed.",
        "Fund the wallet, or place a smaller order.",
        "orders",
    ),
    "insufficient_scope": Code(
        "The agent’s key lacked the scope that the tool or request needed.",
        "Let the agent use only what its key allows, or add the scope to its key.",
        "scopes",
    ),
    "invalid_api_key": Code(
        "The agent’s API key was not valid: rotated, revoked or mistyped.",
        "See whether the key is active, and that the agent uses the current one.",
    ),
    "invalid_arguments": Code(
        "A tool refused the arguments that it was called with.",
        "The error says which. Compare the agent’s version with the one whose calls worked.",
    ),
    "kill_switch_active": Code(
        "The agent’s kill switch was on, so that it could not trade.",
        "Find out who turned it on and why; a person can release it.",
        "orders",
    ),
    "order_rejected": Code(
        "The order that the tool asked for was rejected.",
        "Follow the correlation to the order’s own entry, which has the reason.",
        "orders",
    ),
    "partial_fill": Code(
        "There was not enough liquidity at the limit for the whole order.",
        "Wait for the rest, cancel it, or place it again with another limit.",
        "orders",
    ),
    "partial_success": Code(
        "Of several orders that were placed at once, some were refused.",
        "The error says which. Place those again once the cause is removed.",
        "orders",
    ),
    "provider_timeout": Code(
        "A provider did not answer in time.",
        "Try again later. Several in a row open the provider’s circuit breaker.",
    ),
    "rate_limited": Code(
        "The agent called tools more often than it was allowed to.",
        "Let it wait until the time window ends, and call less often.",
    ),
    "simulation_failed": Code(
        "A swap was simulated before its execution, and would have failed.",
        "The error says why. Often a fresh quote and another attempt are enough.",
    ),
    "slippage_exceeded": Code(
        "The price had moved further than the order allowed.",
        "Place the order again at the current price, or allow more slippage.",
        "orders",
    ),
    "stale_data": Code(
        "The market data were too old to act on.",
        "Try again in a moment. If that does not help, check the source of the data.",
    ),
    "upstream_timeout": Code(
        "A service behind the tool did not answer in time.",
        "Try again; follow the correlation to the trace to see which service it was.",
    ),
}

# What an MCP server answers in place of a result, by JSON-RPC.
MCP_CODES: dict[str, Code] = {
    "keys_unavailable": Code(
        "The Hub did not answer, so an agent’s key could not be checked and the call was refused.",
        "Find out why the MCP server did not reach the Hub. The agent may call again.",
    ),
    "-32000": Code("The connection ended before the answer.", "See whether the server runs."),
    "-32001": Code("The server did not answer in time.", "Try again, or ask for less at once."),
    "-32020": Code("A header contradicted the request.", "Look at the agent’s MCP client."),
    "-32021": Code(
        "The tool needed a capability that the agent’s MCP client does not have.",
        "Use a client that has it, or another tool.",
    ),
    "-32022": Code(
        "The server did not speak this version of the protocol.",
        "Bring the agent’s MCP client, or the server, up to date.",
    ),
    "-32042": Code(
        "A person had to visit an address before the tool would work.",
        "Let the person who owns the agent do so.",
    ),
    "-32600": Code("The request was not valid JSON-RPC.", "Look at the agent’s MCP client."),
    "-32601": Code("The server had no such method.", "See which tools and methods it offers."),
    "-32602": Code("The tool was unknown, or its arguments invalid.", "See the tool’s schema."),
    "-32603": Code("The server failed.", "Look at the server’s own log at that time."),
    "-32700": Code("The request was not JSON.", "Look at the agent’s MCP client."),
}


def code_of(payload: Mapping[str, Any] | None) -> str | None:
    """Return the code of a payload as text, or None if it is neither a text nor an integer.

    Payloads come from other programs: a code may be any value.
    """
    code = (payload or {}).get("code")
    # True is an int in Python.
    if isinstance(code, int) and not isinstance(code, bool):
        return str(code)
    return code if isinstance(code, str) else None


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem type of the API: its HTTP status and its meaning."""

    status: int
    meaning: str


# By status. The `type` of a problem document is `problems.TYPE_PREFIX` and its slug.
PROBLEMS: dict[str, Problem] = {
    "bad-request": Problem(400, "The request cannot be parsed."),
    "invalid-header": Problem(400, "A header is invalid; the detail names it."),
    "invalid-parameter": Problem(400, "The value of a parameter is invalid."),
    "key-in-query": Problem(400, "An API key was in the URL; send it in the header Authorization."),
    "malformed-gzip": Problem(400, "The body is declared as gzip, but is not, or is incomplete."),
    "malformed-json": Problem(400, "The body is not JSON that can be stored, or is incomplete."),
    "unknown-parameter": Problem(400, "A query parameter does not exist; check its spelling."),
    "unauthorized": Problem(401, "The API key is missing, invalid, revoked or expired."),
    "actor-mismatch": Problem(403, "The key belongs to one bot, and an entry has another actor."),
    "insufficient-scope": Problem(403, "The key lacks the scope that the document names."),
    "not-found": Problem(404, "There is no such entry or endpoint, or the key may not read it."),
    "method-not-allowed": Problem(
        405, "The endpoint does not support the method; see the header Allow."
    ),
    "not-acceptable": Problem(406, "The header Accept allows none of the endpoint’s media types."),
    "export-running": Problem(409, "The caller is running another export."),
    "id-conflict": Problem(409, "The log has different entries with these ids, which stay."),
    "length-required": Problem(411, "The request lacks the header Content-Length."),
    "body-too-large": Problem(413, "The body has more bytes than a request may have."),
    "too-many-entries": Problem(413, "The body has more entries than a request may have."),
    "unsupported-media-type": Problem(415, "The body is not of the type that the endpoint takes."),
    "control-character": Problem(422, "A field contains control or invisible characters."),
    "entry-too-large": Problem(422, "An entry has more bytes than an entry may have."),
    "idempotency-key-reused": Problem(422, "The Idempotency-Key was used with different entries."),
    "invalid-entries": Problem(422, "Entries have faults of several kinds; each is listed."),
    "invalid-value": Problem(422, "The value of a field is invalid."),
    "missing-field": Problem(422, "A required field is missing."),
    "secret-in-id": Problem(422, "An id contains what looks like a secret."),
    "timestamp-out-of-range": Problem(
        422, "A timestamp is older than the retention, or over 24 hours in the future."
    ),
    "too-deep": Problem(422, "A payload is nested too deeply."),
    "unknown-field": Problem(422, "An entry has a field that does not exist."),
    "rate-limited": Problem(
        429, "The key or address sent too many requests; see the header Retry-After."
    ),
    "unexpected": Problem(500, "The server failed; its process log has the reason."),
    "accounts-unavailable": Problem(503, "The database of keys is unavailable; try again later."),
    "overloaded": Problem(503, "There are more requests than can be answered; try again later."),
    "cannot-store": Problem(503, "The entries could not be stored; send them again later."),
    "database-unavailable": Problem(503, "The log’s database is unavailable; try again later."),
    "query-timeout": Problem(
        503, "The query took too long; restrict it, for example to fewer days."
    ),
}
