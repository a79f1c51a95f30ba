"""Entries as events of the Open Cybersecurity Schema Framework, version 1.8.0.

Attributes, classes and activities are those of https://schema.ocsf.io/1.8.0/. What an event has no
attribute for is in `unmapped`, under the name that it has in the API.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditlogs.entry.actions import ActionType
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import parse_rfc3339, to_ms
from auditlogs.forms.fields import Fields, JsonObject, without_empty

VERSION = "1.8.0"
# What a required name is where the entry does not say it.
UNKNOWN = "Unknown"
OTHER = 99


@dataclass(frozen=True, slots=True)
class EventClass:
    """A class of events: its number and caption, and its activities by number."""

    uid: int
    caption: str
    activities: Mapping[int, str]

    @property
    def category(self) -> int:
        return self.uid // 1000


CATEGORIES = {3: "Identity & Access Management", 6: "Application Activity"}
ACCOUNT_CHANGE = EventClass(
    3001,
    "Account Change",
    {1: "Create", 3: "Password Change", 4: "Password Reset", 6: "Delete", 9: "Lock"},
)
AUTHENTICATION = EventClass(
    3002, "Authentication", {1: "Logon", 2: "Logoff", 6: "Preauth", 7: "Account Switch"}
)
AUTHORIZE_SESSION = EventClass(3003, "Authorize Session", {1: "Assign Privileges"})
ENTITY_MANAGEMENT = EventClass(
    3004, "Entity Management", {1: "Create", 3: "Update", 4: "Delete", 5: "Move", 9: "Disable"}
)
APPLICATION_LIFECYCLE = EventClass(
    6002,
    "Application Lifecycle",
    {3: "Start", 4: "Stop", 6: "Enable", 7: "Disable", 8: "Update"},
)
API_ACTIVITY = EventClass(6003, "API Activity", {1: "Create", 2: "Read", 3: "Update"})

# Each known action's class and activity. An activity that OCSF has no number for is `OTHER`, with
# the action as its name.
EVENTS: dict[str, tuple[EventClass, int]] = {
    "auth.signed_in": (AUTHENTICATION, 1),
    "auth.sign_in_failed": (AUTHENTICATION, 1),
    "auth.locked_out": (ACCOUNT_CHANGE, 9),
    "auth.password.changed": (ACCOUNT_CHANGE, 3),
    "auth.signed_out": (AUTHENTICATION, 2),
    # Tickets are those of Kerberos alone.
    "auth.token.refreshed": (AUTHENTICATION, OTHER),
    "auth.token.created": (ENTITY_MANAGEMENT, 1),
    "auth.token.revoked": (ENTITY_MANAGEMENT, 9),
    "auth.step_up.challenged": (AUTHENTICATION, 6),
    "auth.step_up.completed": (AUTHENTICATION, OTHER),
    "auth.identity.updated": (ACCOUNT_CHANGE, OTHER),
    "session.created": (AUTHORIZE_SESSION, 1),
    "access.denied": (API_ACTIVITY, OTHER),
    "order.created": (API_ACTIVITY, 1),
    "order.approved": (API_ACTIVITY, 3),
    "order.rejected": (API_ACTIVITY, 3),
    "order.cancelled": (API_ACTIVITY, 3),
    "order.filled": (API_ACTIVITY, 3),
    "bot.created": (ENTITY_MANAGEMENT, 1),
    "bot.config.updated": (ENTITY_MANAGEMENT, 3),
    "api_key.created": (ENTITY_MANAGEMENT, 1),
    "api_key.rotated": (ENTITY_MANAGEMENT, 3),
    "api_key.revoked": (ENTITY_MANAGEMENT, 9),
    "api_key.exposed": (ENTITY_MANAGEMENT, OTHER),
    "api_key.scopes.updated": (ENTITY_MANAGEMENT, 3),
    "account.switched": (AUTHENTICATION, 7),
    "member.added": (ACCOUNT_CHANGE, 1),
    "member.removed": (ACCOUNT_CHANGE, 6),
    "member.role.updated": (ACCOUNT_CHANGE, OTHER),
    "member.reset": (ACCOUNT_CHANGE, 4),
    "account.renamed": (ENTITY_MANAGEMENT, 5),
    "logs.exported": (API_ACTIVITY, 2),
    "saved_view.created": (ENTITY_MANAGEMENT, 1),
    "saved_view.updated": (ENTITY_MANAGEMENT, 3),
    "saved_view.deleted": (ENTITY_MANAGEMENT, 4),
    "dead_letter.resent": (ENTITY_MANAGEMENT, OTHER),
    "dead_letter.dropped": (ENTITY_MANAGEMENT, 4),
    # What a tool does, its name alone does not say.
    "mcp.tool.call": (API_ACTIVITY, OTHER),
    "mcp.resource.read": (API_ACTIVITY, 2),
    "mcp.prompt.get": (API_ACTIVITY, 2),
    "mcp.task.created": (API_ACTIVITY, 1),
    "mcp.task.ended": (API_ACTIVITY, 3),
    "mcp.elicitation.requested": (API_ACTIVITY, OTHER),
    "mcp.elicitation.accepted": (API_ACTIVITY, OTHER),
    "mcp.elicitation.declined": (API_ACTIVITY, OTHER),
    "mcp.elicitation.cancelled": (API_ACTIVITY, OTHER),
    "kill_switch.activated": (APPLICATION_LIFECYCLE, 4),
    "kill_switch.released": (APPLICATION_LIFECYCLE, 3),
    "circuit_breaker.opened": (APPLICATION_LIFECYCLE, 7),
    "circuit_breaker.half_opened": (APPLICATION_LIFECYCLE, OTHER),
    "circuit_breaker.closed": (APPLICATION_LIFECYCLE, 6),
    "rate_limit.hit": (API_ACTIVITY, OTHER),
    "retention.changed": (APPLICATION_LIFECYCLE, 8),
}
# The class of an unknown action.
CLASSES: dict[ActionType, EventClass] = {
    "auth": AUTHENTICATION,
    "trade": API_ACTIVITY,
    "config": ENTITY_MANAGEMENT,
    "mcp": API_ACTIVITY,
    "system": APPLICATION_LIFECYCLE,
}

# Refusals in themselves, whether or not the entry has a decision.
REFUSALS = frozenset({"access.denied", "order.rejected", "rate_limit.hit"})
STATUSES = {"success": (1, "Success"), "failure": (2, "Failure"), "partial": (OTHER, "partial")}
# Each outcome's `action_id` and `disposition_id`, with their captions.
ACTIONS = {
    "allowed": (1, "Allowed", 1, "Allowed"),
    "denied": (2, "Denied", 2, "Blocked"),
    "modified": (4, "Modified", 11, "Corrected"),
    "deferred": (OTHER, "deferred", 14, "Delayed"),
}
USER_TYPES = {"user": (1, "User"), "system": (3, "System"), "agent": (OTHER, "agent")}


def to_ocsf(entry: Entry) -> JsonObject:
    """Return an entry as an OCSF event, JSON as `auditlogs.entry.numbers.encode` writes it.

    Its class is that of the action in `EVENTS`, for an unknown action that of its type. A refused
    action has `action_id` 2.
    """
    fields = Fields(entry)
    kind, activity = EVENTS.get(entry.action, (CLASSES[entry.action_type], OTHER))
    profiles: list[str] = []
    actor = _actor(fields)
    event = {
        **_classification(kind, activity, entry.action),
        **_outcome(fields, entry),
        **_decision(fields, entry, profiles),
        "time": to_ms(parse_rfc3339(fields.take("timestamp"))),
        "duration": fields.take_duration(per_millisecond=1),
        "message": fields.take("summary"),
    }
    event |= _OF_CLASS[kind.uid](fields, actor, profiles)
    event["actor"] = actor
    if kind.uid != APPLICATION_LIFECYCLE.uid and (address := fields.take_ip()):
        event["src_endpoint"] = {"ip": address}
    event["metadata"] = _metadata(fields, profiles)
    event["unmapped"] = fields.rest()
    return without_empty(event)


def _classification(kind: EventClass, activity: int, action: str) -> JsonObject:
    name = kind.activities.get(activity)
    return {
        "category_uid": kind.category,
        "category_name": CATEGORIES[kind.category],
        "class_uid": kind.uid,
        "class_name": kind.caption,
        "activity_id": activity,
        "activity_name": name or action,
        "type_uid": kind.uid * 100 + activity,
        "type_name": f"{kind.caption}: {name or 'Other'}",
    }


def _outcome(fields: Fields, entry: Entry) -> JsonObject:
    """Return status and severity: medium for what was refused, low for what failed otherwise."""
    status, caption = STATUSES[fields.take("result")]
    if _outcome_of(entry) == "denied":
        severity = 3, "Medium"
    else:
        severity = (1, "Informational") if entry.result == "success" else (2, "Low")
    return {
        "status_id": status,
        "status": caption,
        "status_code": fields.take_text("payload.code"),
        "status_detail": fields.take_text("payload.error") or fields.take("decision.reason"),
        "severity_id": severity[0],
        "severity": severity[1],
    }


def _outcome_of(entry: Entry) -> str | None:
    if entry.decision:
        return entry.decision.outcome
    scope = entry.result == "failure" and (entry.payload or {}).get("requiredScope")
    return "denied" if scope or entry.action in REFUSALS else None


def _decision(fields: Fields, entry: Entry, profiles: list[str]) -> JsonObject:
    """Return the attributes of the profile Security Control."""
    outcome = _outcome_of(entry)
    if outcome is None:
        return {}
    profiles.append("security_control")
    action_id, action, disposition_id, disposition = ACTIONS[outcome]
    policy = {"name": fields.take("decision.policy")}
    if policy["name"]:
        policy["version"] = fields.take("decision.version")
    return {
        "action_id": action_id,
        "action": action,
        "disposition_id": disposition_id,
        "disposition": disposition,
        "authorizations": [
            without_empty({"decision": fields.take("decision.outcome"), "policy": policy})
        ]
        if entry.decision
        else [],
    }


def _actor(fields: Fields) -> JsonObject:
    return {
        "user": _user(fields, "actor"),
        "session": {"uid": fields.take("sessionId")},
        "app_uid": fields.take("botId"),
    }


def _user(fields: Fields, path: str) -> JsonObject:
    """Return an actor, or a target that is a user, as a user."""
    number, caption = USER_TYPES[fields.take(f"{path}.type")]
    return {
        "uid": fields.take(f"{path}.id"),
        "name": fields.take(f"{path}.name"),
        "type_id": number,
        "type": caption,
    }


def _metadata(fields: Fields, profiles: list[str]) -> JsonObject:
    return {
        "version": VERSION,
        "product": {"name": "auditlogs"},
        "profiles": sorted(profiles),
        "uid": fields.take("id"),
        "original_event_uid": fields.take("writerId"),
        "event_code": fields.take("action"),
        "type": fields.take("actionType"),
        "correlation_uid": fields.take("correlationId"),
        "logged_time": to_ms(parse_rfc3339(fields.take("recordedAt"))),
        "reporter": {"uid": fields.take("assertedBy")},
    }


def _named(fields: Fields) -> JsonObject:
    """Return id and name of the target; where there is none, the name `UNKNOWN`."""
    if fields.get("target") is None:
        return {"name": UNKNOWN}
    return {"uid": fields.take("target.id"), "name": fields.take("target.name")}


def _affected_user(fields: Fields, actor: JsonObject) -> JsonObject:
    """Return the user that an account is of: the target if it is one, else the actor."""
    if fields.get("target.type") == "user":
        return _user(fields, "target")
    return dict(actor["user"])


def _account_change(fields: Fields, actor: JsonObject, _: list[str]) -> JsonObject:
    return {"user": _affected_user(fields, actor), **_http_request(fields)}


def _authentication(fields: Fields, actor: JsonObject, _: list[str]) -> JsonObject:
    user = _affected_user(fields, actor)
    return {
        "user": user,
        "session": actor["session"],
        "service": {"name": UNKNOWN} if fields.get("target.id") is None else _named(fields),
        **_http_request(fields),
    }


def _authorize_session(fields: Fields, actor: JsonObject, _: list[str]) -> JsonObject:
    return {
        "user": _affected_user(fields, actor),
        "session": actor["session"],
        # Required, and so without a group, also where the entry names no privilege.
        "privileges": fields.take_texts("payload.scopes") or [UNKNOWN],
        **_http_request(fields),
    }


def _entity_management(fields: Fields, _: JsonObject, __: list[str]) -> JsonObject:
    kind = fields.take("target.type")
    number, caption = (OTHER, kind) if kind else (0, UNKNOWN)
    entity = {"type_id": number, "type": caption, **_named(fields)}
    return {"entity": entity, **_http_request(fields)}


def _application_lifecycle(fields: Fields, _: JsonObject, profiles: list[str]) -> JsonObject:
    # This class has an actor in that profile alone.
    profiles.append("host")
    return {"app": _named(fields)}


def _api_activity(fields: Fields, actor: JsonObject, profiles: list[str]) -> JsonObject:
    operation = fields.take_text("payload.tool") or fields.get("action")
    request: JsonObject = {"uid": fields.take("requestId")}
    if request["uid"]:
        request["data"] = fields.take("payload.arguments")
    attributes = {
        "api": {"operation": operation, "request": request},
        "src_endpoint": {"name": UNKNOWN},
    }
    if fields.get("target"):
        kind = fields.take("target.type")
        attributes["resources"] = [
            without_empty({**_named(fields), "type": kind, "role_id": 1, "role": "Target"})
        ]
    if trace := fields.trace_id():
        profiles.append("trace")
        attributes["trace"] = {"uid": trace}
    return attributes | _ai_operation(fields, actor, profiles)


def _ai_operation(fields: Fields, actor: JsonObject, profiles: list[str]) -> JsonObject:
    """Return the attributes of the profile AI Operation, for what an agent with an id did."""
    if actor["user"]["type"] != "agent" or not actor["app_uid"]:
        return {}
    profiles.append("ai_operation")
    application = {"uid": actor["app_uid"], "version": fields.take("agent.version")}
    attributes: JsonObject = {
        "message_context": {
            "ai_role_id": 4,
            "ai_role": "Agent",
            "application": application,
            "uid": fields.take("runId"),
        }
    }
    if model := fields.take("agent.model"):
        attributes["ai_model"] = {"name": model, "ai_provider": UNKNOWN}
    return attributes


def _http_request(fields: Fields) -> JsonObject:
    return {"http_request": {"uid": fields.take("requestId")}}


_OF_CLASS: dict[int, Any] = {
    ACCOUNT_CHANGE.uid: _account_change,
    AUTHENTICATION.uid: _authentication,
    AUTHORIZE_SESSION.uid: _authorize_session,
    ENTITY_MANAGEMENT.uid: _entity_management,
    APPLICATION_LIFECYCLE.uid: _application_lifecycle,
    API_ACTIVITY.uid: _api_activity,
}
