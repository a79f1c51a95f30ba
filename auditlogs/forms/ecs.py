"""Entries as documents of the Elastic Common Schema, version 9.4.0.

Field names and allowed values are those of https://www.elastic.co/docs/reference/ecs. What has no
field there is under `auditlogs`, by its name in the API; map `auditlogs.payload` as `flattened`.
"""

from auditlogs.entry.actions import ActionType
from auditlogs.entry.schema import Entry
from auditlogs.forms.fields import Fields, JsonObject, without_empty

VERSION = "9.4.0"

# Each known action's `event.category` and `event.type`.
EVENTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "auth.signed_in": ("authentication", ("start",)),
    "auth.sign_in_failed": ("authentication", ("start",)),
    "auth.locked_out": ("iam", ("user", "change")),
    "auth.password.changed": ("iam", ("user", "change")),
    "auth.signed_out": ("authentication", ("end",)),
    "auth.token.refreshed": ("authentication", ("info",)),
    "auth.token.created": ("iam", ("creation",)),
    "auth.token.revoked": ("iam", ("deletion",)),
    "auth.step_up.challenged": ("authentication", ("info",)),
    "auth.step_up.completed": ("authentication", ("info",)),
    "auth.identity.updated": ("iam", ("user", "change")),
    "session.created": ("session", ("start",)),
    "access.denied": ("api", ("access", "denied")),
    "order.created": ("api", ("creation",)),
    "order.approved": ("api", ("change", "allowed")),
    "order.rejected": ("api", ("change", "denied")),
    "order.cancelled": ("api", ("change",)),
    "order.filled": ("api", ("change",)),
    "bot.created": ("configuration", ("creation",)),
    "bot.config.updated": ("configuration", ("change",)),
    "api_key.created": ("iam", ("creation",)),
    "api_key.rotated": ("iam", ("change",)),
    "api_key.revoked": ("iam", ("deletion",)),
    "api_key.exposed": ("iam", ("info",)),
    "api_key.scopes.updated": ("iam", ("change",)),
    "account.switched": ("session", ("start",)),
    "member.added": ("iam", ("user", "creation")),
    "member.removed": ("iam", ("user", "deletion")),
    "member.role.updated": ("iam", ("user", "change")),
    "member.reset": ("iam", ("user", "change")),
    "account.renamed": ("configuration", ("change",)),
    "logs.exported": ("api", ("access",)),
    "saved_view.created": ("configuration", ("creation",)),
    "saved_view.updated": ("configuration", ("change",)),
    "saved_view.deleted": ("configuration", ("deletion",)),
    "dead_letter.resent": ("configuration", ("change",)),
    "dead_letter.dropped": ("configuration", ("deletion",)),
    "mcp.tool.call": ("api", ("access",)),
    "mcp.resource.read": ("api", ("access",)),
    "mcp.prompt.get": ("api", ("access",)),
    "mcp.task.created": ("api", ("start",)),
    "mcp.task.ended": ("api", ("end",)),
    "mcp.elicitation.requested": ("api", ("start",)),
    "mcp.elicitation.accepted": ("api", ("end", "allowed")),
    "mcp.elicitation.declined": ("api", ("end", "denied")),
    "mcp.elicitation.cancelled": ("api", ("end",)),
    "kill_switch.activated": ("configuration", ("change",)),
    "kill_switch.released": ("configuration", ("change",)),
    "circuit_breaker.opened": ("configuration", ("change",)),
    "circuit_breaker.half_opened": ("configuration", ("change",)),
    "circuit_breaker.closed": ("configuration", ("change",)),
    "rate_limit.hit": ("api", ("access", "denied")),
    "retention.changed": ("configuration", ("change",)),
}
# Those of an unknown action.
CATEGORIES: dict[ActionType, str] = {
    "auth": "authentication",
    "trade": "api",
    "config": "configuration",
    "mcp": "api",
    "system": "configuration",
}
# The only category of these with types for what a policy decides.
API = "api"
DECIDED = {"allowed": "allowed", "denied": "denied"}


def to_ecs(entry: Entry) -> JsonObject:
    """Return an entry as an ECS document, JSON as `auditlogs.entry.numbers.encode` writes it."""
    fields = Fields(entry)
    users = [entry.actor, *(entry.on_behalf_of or ())]
    document = {
        "@timestamp": fields.take("timestamp"),
        "ecs": {"version": VERSION},
        "message": fields.take("summary"),
        "event": _event(fields, entry),
        "gen_ai": _gen_ai(fields, entry),
        "user": {"id": fields.take("actor.id"), "name": fields.take("actor.name")},
        "source": {"address": fields.get("sourceIp"), "ip": fields.take_ip()},
        "trace": {"id": fields.trace_id()},
        "http": {"request": {"id": fields.take("requestId")}},
        "rule": {
            "name": fields.take("decision.rule"),
            "ruleset": fields.take("decision.policy"),
            "version": fields.take("decision.version"),
        },
        "error": {
            "code": fields.take_text("payload.code"),
            "message": fields.take_text("payload.error"),
        },
        "related": {"user": list(dict.fromkeys(user.id for user in users))},
    }
    document |= _target(fields, document["user"])
    # ECS has `unknown` for an outcome that is neither, so the entry's own is kept beside it.
    if entry.result != "partial":
        fields.take("result")
    if document["trace"]["id"]:
        fields.take("correlationId")
    if document["source"]["address"]:
        fields.take("sourceIp")
    document["auditlogs"] = fields.rest()
    return without_empty(document)


def _event(fields: Fields, entry: Entry) -> JsonObject:
    category, types = EVENTS.get(entry.action, (CATEGORIES[entry.action_type], ("info",)))
    outcome = DECIDED.get(entry.decision.outcome) if entry.decision else None
    if category == API and outcome and not set(types) & set(DECIDED):
        types = (*types, outcome)
    return {
        "kind": "event",
        "module": "auditlogs",
        "dataset": "auditlogs.audit",
        "id": fields.take("id"),
        "action": fields.take("action"),
        "category": [category],
        "type": list(types),
        "outcome": "unknown" if entry.result == "partial" else entry.result,
        "duration": fields.take_duration(per_millisecond=1_000_000),
        "created": fields.take("recordedAt"),
        "provider": fields.take("assertedBy"),
        "reason": fields.take("decision.reason"),
    }


def _gen_ai(fields: Fields, entry: Entry) -> JsonObject:
    agent: JsonObject = {"id": fields.take("botId")}
    if entry.actor.type == "agent" and entry.actor.id == agent["id"]:
        agent["name"] = entry.actor.name
    return {
        "agent": agent,
        "operation": {"name": "execute_tool" if entry.action == "mcp.tool.call" else None},
        "request": {"model": fields.take("agent.model")},
        "tool": {"name": fields.take_text("payload.tool")},
    }


def _target(fields: Fields, user: JsonObject) -> JsonObject:
    """Return the target, in the fields of ECS for one that is a user, else as an entity."""
    if fields.get("target") is None:
        return {}
    target = {"id": fields.take("target.id"), "name": fields.take("target.name")}
    if fields.get("target.type") == "user":
        fields.take("target.type")
        return {"user": {**user, "target": target}}
    return {"entity": {"target": target}}
