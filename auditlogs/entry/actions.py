"""Known actions: their type, a sentence each, and the payload keys they use.

Grammar of an action: `segment(.segment)+`, lower case letters, digits and underscores.
An unknown action is accepted; its first segment is its type if that names one.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

ActionType = Literal["auth", "trade", "config", "mcp", "system"]
ACTION_TYPES: tuple[ActionType, ...] = get_args(ActionType)

# An action always has a dot, so it is never one of the five types: a filter takes either.
ACTION_PATTERN = r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+"
ACTION_LENGTH = 100

# The payload keys of each kind of action, in the order of the documentation.
_AUTH = ("method", "code", "error", "keyName")
_AUTH_FAILED = (*_AUTH, "until", "sampled")
_IDENTITY = (*_AUTH, "changes")
_DENIED = (*_AUTH, "requiredScope", "keyScopes", "bot", "asked", "sampled")
_TOKEN = ("keyName", "scopes", "bot", "expiresAt")
_TRADE = ("orderId", "channel", "pair", "side", "amount", "price", "provider", "reason", "code")
_CONFIG = ("changes", "keyName", "scopes")
_KEY = (*_CONFIG, "bot", "agent", "expiresAt")
_EXPOSED = (*_CONFIG, "error", "sampled")
_EXPORT = (
    *("format", "filters", "range", "count", "first", "last", "sha256", "reason", "keyName"),
    *("day", "file", "changes"),
)
_MCP = (
    *("tool", "arguments", "status", "code", "error"),
    *("requiredScope", "keyName", "keyScopes", "keyId", "keyCheck", "isError", "taskId"),
)
_USED_KEY = ("keyName", "keyScopes", "keyId", "keyCheck")
_MCP_PROMPT = ("prompt", "arguments", "status", "code", "error", *_USED_KEY)
_MCP_RESOURCE = ("resource", "status", "code", "error", *_USED_KEY)
_MCP_ELICITATION = ("tool", "message", "reason")
_MCP_TASK = ("taskId", "tool", "status", "code", "error", "reason", "isError")
_LETTER = ("reason", "spooledAt", "sha256", "entry", "phase", "error", "errorType")
_SYSTEM = ("provider", "failures", "threshold", "until", "limit", "window")
_LIMIT = (*_SYSTEM, "sampled")


@dataclass(frozen=True, slots=True)
class Action:
    """The type of a known action, its meaning, and the payload keys it may carry."""

    action_type: ActionType
    sentence: str
    payload_keys: tuple[str, ...]


KNOWN_ACTIONS: dict[str, Action] = {
    "auth.signed_in": Action("auth", "Someone signed in.", _AUTH),
    "auth.sign_in_failed": Action("auth", "A sign-in was refused.", _AUTH_FAILED),
    "auth.locked_out": Action("auth", "Too many sign-ins failed; more are refused.", _AUTH_FAILED),
    "auth.password.changed": Action("auth", "A password was changed.", _AUTH),
    "auth.signed_out": Action("auth", "Someone signed out.", _AUTH),
    "auth.token.refreshed": Action("auth", "A session token was renewed.", _AUTH),
    "auth.token.created": Action("auth", "A session token for the API was created.", _TOKEN),
    "auth.token.revoked": Action("auth", "A session token for the API was revoked.", _TOKEN),
    "auth.step_up.challenged": Action("auth", "A step-up authentication was requested.", _AUTH),
    "auth.step_up.completed": Action("auth", "A step-up authentication was completed.", _AUTH),
    "auth.identity.updated": Action("auth", "A way to sign in was changed.", _IDENTITY),
    "session.created": Action("auth", "A session began.", _AUTH),
    "access.denied": Action("auth", "A request was denied.", _DENIED),
    "order.created": Action("trade", "An order was placed.", _TRADE),
    "order.approved": Action("trade", "An order was approved.", _TRADE),
    "order.rejected": Action("trade", "An order was rejected.", _TRADE),
    "order.cancelled": Action("trade", "An order was cancelled.", _TRADE),
    "order.filled": Action("trade", "An order was filled, wholly or in part.", _TRADE),
    "bot.created": Action("config", "An agent was registered.", _CONFIG),
    "bot.config.updated": Action("config", "An agent's configuration was changed.", _CONFIG),
    "api_key.created": Action("config", "An API key was created.", _KEY),
    "api_key.rotated": Action("config", "An API key was replaced by a new one.", _KEY),
    "api_key.revoked": Action("config", "An API key was revoked.", _KEY),
    "api_key.exposed": Action("config", "An API key was found in a request body.", _EXPOSED),
    "api_key.scopes.updated": Action("config", "An API key's scopes were changed.", _KEY),
    "account.switched": Action("config", "Someone switched to this account.", _CONFIG),
    "member.added": Action("config", "A person joined the account.", _CONFIG),
    "member.removed": Action("config", "A person left the account.", _CONFIG),
    "member.role.updated": Action("config", "A member's role was changed.", _CONFIG),
    "member.reset": Action("config", "A member's password was reset.", _CONFIG),
    "account.renamed": Action("config", "The account was renamed.", _CONFIG),
    "saved_view.created": Action("config", "A view was shared with the account.", _CONFIG),
    "saved_view.updated": Action("config", "A shared view was changed.", _CONFIG),
    "saved_view.deleted": Action("config", "A shared view was deleted.", _CONFIG),
    "dead_letter.resent": Action(
        "config", "An entry that the log had rejected was sent again.", _LETTER
    ),
    "dead_letter.dropped": Action(
        "config", "An entry that the log had rejected was deleted.", _LETTER
    ),
    "logs.exported": Action("config", "Entries of the log were exported.", _EXPORT),
    "mcp.tool.call": Action("mcp", "An agent called an MCP tool.", _MCP),
    "mcp.resource.read": Action("mcp", "An agent read an MCP resource.", _MCP_RESOURCE),
    "mcp.prompt.get": Action("mcp", "An agent used an MCP prompt.", _MCP_PROMPT),
    "mcp.task.created": Action("mcp", "An MCP tool started a task.", _MCP_TASK),
    "mcp.task.ended": Action("mcp", "A task of an MCP tool ended.", _MCP_TASK),
    "mcp.elicitation.requested": Action(
        "mcp", "A tool asked a person for input before it goes on.", _MCP_ELICITATION
    ),
    "mcp.elicitation.accepted": Action("mcp", "A person gave the input.", _MCP_ELICITATION),
    "mcp.elicitation.declined": Action("mcp", "A person refused the input.", _MCP_ELICITATION),
    "mcp.elicitation.cancelled": Action("mcp", "No input was given.", _MCP_ELICITATION),
    "kill_switch.activated": Action("system", "All trading was stopped.", _SYSTEM),
    "kill_switch.released": Action("system", "Trading was allowed again.", _SYSTEM),
    "circuit_breaker.opened": Action("system", "Calls to a provider were stopped.", _SYSTEM),
    "circuit_breaker.half_opened": Action(
        "system", "Calls to a provider are being retried.", _SYSTEM
    ),
    "circuit_breaker.closed": Action("system", "Calls to a provider were resumed.", _SYSTEM),
    "rate_limit.hit": Action("system", "A caller exceeded its rate limit.", _LIMIT),
    "retention.changed": Action("system", "The retention window was changed.", _SYSTEM),
}


def is_action(text: str) -> bool:
    """Return whether a text is a valid action; the five types have no dot and are not."""
    return len(text) <= ACTION_LENGTH and re.fullmatch(ACTION_PATTERN, text) is not None


def type_of(action: str) -> ActionType | None:
    """Return the type that an action implies, or None where an unknown action implies none."""
    if known := KNOWN_ACTIONS.get(action):
        return known.action_type
    first = action.partition(".")[0]
    return next((name for name in ACTION_TYPES if name == first), None)
