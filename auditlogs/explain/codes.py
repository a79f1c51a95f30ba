"""The codes the log knows: those in the payloads of entries, and the problem types of the API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Topic = Literal["scopes", "orders"]


@dataclass(frozen=True, slots=True)
class Code:
    """What a code in an entry's payload means, what to do, and what it belongs to."""

    meaning: str
    advice: str
    topic: Topic | None = None


# What the Hub and the API record of themselves.
HUB_CODES: dict[str, Code] = {
    "actor-mismatch": Code(
        "A key that belongs to one bot sent entries in another’s name. Nothing was stored.",
        "Give each bot a key of its own, or use one that belongs to none.",
    ),
    "already-linked": Code(
        "An identity of single sign-on names a person who signs in by another one.",
        "See who it is at the provider. manage.py sso NAME --unlink lets them be linked anew.",
    ),
    "ambiguous-email": Code(
        "The e-mail address of an identity names several people here.",
        "Give the address to the right one: manage.py sso NAME --email E.",
    ),
    "bot-mismatch": Code(
        "A key that belongs to one bot asked for the entries of another.",
        "Use the other bot’s key, or one that belongs to no bot.",
    ),
    "code-refused": Code(
        "The provider did not honour the sign-in that it had sent the person back with.",
        "Let them try again. If it goes on, look at OIDC_CLIENT_ID and OIDC_CLIENT_SECRET.",
    ),
    "cross-site": Code(
        "A page of another site asked for a part of the Hub behind its reader’s back.",
        "Find out which site its reader was on. A link to the Hub is never refused.",
    ),
    "csrf": Code(
        "A form did not come from a page of the Hub, or the page was too old.",
        "Reload the page and send the form again. If nobody sent one, find out who did.",
    ),
    "expired-key": Code(
        "An API key was used after its time was over.",
        "Make a new key on the API Keys page and give it to whoever used the old one.",
    ),
    "holder-without-access": Code(
        "A session token was used whose person may see the account no longer.",
        "Nothing, if they have left. Else make them a member of the account again.",
    ),
    "id-conflict": Code(
        "A key sent an entry under the id and time of another in the log, which stayed.",
        "Find out why the writer uses an id twice: a retry has to send the same content.",
    ),
    "idle": Code(
        "A session ended because it had not been used for a while.",
        "Sign in again.",
    ),
    "inactive-person": Code(
        "An identity of single sign-on belongs to a person who may not sign in any more.",
        "Nothing, if that is as it should be.",
    ),
    "insufficient-scope": Code(
        "An API key lacked the scope that the request needed.",
        "Use a key with that scope, or leave the request to one that has it.",
        "scopes",
    ),
    "invalid-answer": Code(
        "The provider’s answer was not one that can be taken.",
        "Look at the provider, and at the process’s own log at that time.",
    ),
    "invalid-credentials": Code(
        "The user name and password did not match.",
        "A few are mistakes. Many from one address, or for one person, are worth a question.",
    ),
    "invalid-discovery": Code(
        "What the provider says of itself is not what OIDC_ISSUER promises.",
        "Look at OIDC_ISSUER, and at the provider’s openid-configuration.",
    ),
    "invalid-key": Code(
        "An API key was not one of the Hub’s: mistyped, cut short, or made up.",
        "Look at what the client sends, and at the address it calls from.",
    ),
    "invalid-token": Code(
        "The provider’s token was not its own, not for the Hub, or of another sign-in.",
        "Look at the provider and its keys. If those are right, somebody has forged it.",
    ),
    "invitation-used": Code(
        "An identity names a person by their user name, who has signed in before.",
        "If it is theirs, let an operator say so: manage.py sso NAME --email E.",
    ),
    "key-in-query": Code(
        "A key came in an address, where proxies and logs may have kept it.",
        "Revoke the key, and let the client send its new one in the header Authorization.",
    ),
    "locked-out": Code(
        "Too many sign-ins had failed, so that no more were taken from there for a while.",
        "Wait until the time that the sign-in page names. An admin can set a new password.",
    ),
    "permission-denied": Code(
        "A page was refused to someone who is signed in.",
        "Ask an admin of the account for the role that the page needs.",
    ),
    "provider-away": Code(
        "The provider of single sign-on did not answer in time.",
        "Try again. People who are not linked can use their passwords meanwhile.",
    ),
    "provider-refused": Code(
        "The provider did not let the person in, or they gave up there.",
        "Look at the provider’s own log, if somebody asks.",
    ),
    "rate-limited": Code(
        "Too many requests came from one key or address in too short a time.",
        "Wait as long as the answer says, then ask less often or for more at once.",
    ),
    "revoked-key": Code(
        "An API key was used after it was revoked.",
        "Give the client a new key. If it should have none, find out who still has the old one.",
    ),
    "state": Code(
        "Somebody came back from the provider who had not begun there, or too long ago.",
        "One is a slow sign-in. Many mean that somebody sends people such links.",
    ),
    "unknown-identity": Code(
        "Single sign-on sent an identity that nobody here has.",
        "Add the person as a member, with their e-mail address as user name.",
    ),
    "unverified-email": Code(
        "An identity was nobody’s yet, and the provider has not verified its address.",
        "Let the provider verify the address, or ask for one that is.",
    ),
}

# What the platform and its agents send.
PLATFORM_CODES: dict[str, Code] = {
    "bad_signature": Code(
        "The wallet or passkey did not sign the challenge rightly.",
        "Try again with the wallet or passkey that belongs to the person.",
    ),
    "challenge_expired": Code(
        "A proof of identity came after its time was over.",
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
        "Let the agent use only what its key opens, or give it a key of a higher scope.",
        "scopes",
    ),
    "invalid_api_key": Code(
        "The agent’s API key was not valid: rotated, revoked or mistyped.",
        "See whether the key is active, and that the agent uses the current one.",
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
        "Wait for the rest, cancel it, or place it anew with another limit.",
        "orders",
    ),
    "partial_success": Code(
        "Of several orders that were placed at once, some were refused.",
        "See which in the error, and place those again once the reason is gone.",
        "orders",
    ),
    "provider_timeout": Code(
        "A provider did not answer in time.",
        "Try again later. Several in a row open the provider’s circuit breaker.",
    ),
    "rate_limited": Code(
        "The agent called tools more often than it was allowed to.",
        "Let it wait until the window is over, and call less often.",
    ),
    "simulation_failed": Code(
        "A swap was tried without being done, and would have failed.",
        "The error says why. Often a fresh quote and another try are enough.",
    ),
    "slippage_exceeded": Code(
        "The price had moved further than the order allowed.",
        "Place the order anew at the current price, or allow more slippage.",
        "orders",
    ),
    "stale_data": Code(
        "The market data were too old to act on.",
        "Try again in a moment. If it goes on, the source of the data has stopped.",
    ),
    "upstream_timeout": Code(
        "A service behind the tool did not answer in time.",
        "Try again; follow the correlation to the trace to see which service it was.",
    ),
}

# What an MCP server answers in place of a result, by JSON-RPC.
MCP_CODES: dict[str, Code] = {
    "-32000": Code("The connection ended before the answer.", "See whether the server runs."),
    "-32001": Code("The server did not answer in time.", "Try again, or ask for less at once."),
    "-32020": Code("A header contradicted the request.", "Look at the agent’s MCP client."),
    "-32021": Code(
        "The tool needed what the agent’s MCP client could not do.",
        "Use a client that can, or another tool.",
    ),
    "-32022": Code(
        "The server did not speak this version of the protocol.",
        "Bring the agent’s MCP client, or the server, up to date.",
    ),
    "-32042": Code(
        "A person had to visit an address before the tool would work.",
        "Let the person who owns the agent do so.",
    ),
    "-32600": Code("The request was not one of JSON-RPC.", "Look at the agent’s MCP client."),
    "-32601": Code("The server had no such method.", "See which tools and methods it offers."),
    "-32602": Code("The tool was unknown, or its arguments did not fit.", "See the tool’s schema."),
    "-32603": Code("The server failed.", "Look at the server’s own log at that time."),
    "-32700": Code("The request was not JSON.", "Look at the agent’s MCP client."),
}

KNOWN_CODES: dict[str, Code] = {**HUB_CODES, **PLATFORM_CODES, **MCP_CODES}


def known_code(payload: Mapping[str, Any] | None) -> str | None:
    """Return the code of a payload as KNOWN_CODES has it, or None where it has none that is known.

    Payloads are written by others: a code may be anything.
    """
    said = (payload or {}).get("code")
    text = str(said) if isinstance(said, int) else said
    return text if isinstance(text, str) and text in KNOWN_CODES else None


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem type of the API: its status, and what it says."""

    status: int
    meaning: str


# By status. The `type` of a problem document is its name behind `problems.TYPE_PREFIX`.
PROBLEMS: dict[str, Problem] = {
    "bad-request": Problem(400, "The request cannot be read at all."),
    "invalid-header": Problem(400, "A header cannot be taken; the detail names it."),
    "invalid-parameter": Problem(400, "A parameter’s value is not one that it takes."),
    "key-in-query": Problem(400, "A key stood in the address: it belongs into the header."),
    "malformed-gzip": Problem(400, "The body says it is gzip, and is not, or ends too early."),
    "malformed-json": Problem(400, "The body is not JSON that can be stored."),
    "unknown-parameter": Problem(400, "There is no such parameter: see how it is spelt."),
    "unauthorized": Problem(401, "No API key was sent, or one that opens nothing."),
    "actor-mismatch": Problem(403, "The key belongs to one bot, and an entry names another actor."),
    "insufficient-scope": Problem(403, "The key lacks the scope that the document names."),
    "not-found": Problem(404, "There is nothing here that the key may see."),
    "method-not-allowed": Problem(405, "The address takes other methods: see the header Allow."),
    "id-conflict": Problem(409, "The log has other entries of these ids, and keeps those."),
    "body-too-large": Problem(413, "The body has more bytes than a request may: send fewer."),
    "too-many-entries": Problem(413, "The body has more entries than a request may."),
    "unsupported-media-type": Problem(415, "The body is neither JSON nor lines of JSON."),
    "control-character": Problem(422, "A field has characters that cannot be seen."),
    "entry-too-large": Problem(422, "An entry has more bytes than one may."),
    "idempotency-key-reused": Problem(422, "The Idempotency-Key came with other entries before."),
    "invalid-entries": Problem(422, "Entries have faults of several kinds; each is listed."),
    "invalid-value": Problem(422, "A field’s value is not one it takes."),
    "missing-field": Problem(422, "A field that an entry must have is missing."),
    "secret-in-id": Problem(422, "An id holds what looks like a secret."),
    "timestamp-out-of-range": Problem(422, "An entry is older than what is kept, or ahead of now."),
    "too-deep": Problem(422, "A payload is nested deeper than one may be."),
    "unknown-field": Problem(422, "An entry has a field that there is not."),
    "rate-limited": Problem(429, "The key asks too often: wait as the header Retry-After says."),
    "unexpected": Problem(500, "Something went wrong on the Hub’s side."),
    "accounts-unavailable": Problem(503, "The database of keys is away: ask again later."),
    "cannot-store": Problem(503, "Nothing could keep the entries: send them again later."),
    "database-unavailable": Problem(503, "The log’s database is away: ask again later."),
    "query-timeout": Problem(503, "The question took too long: ask for less."),
}
