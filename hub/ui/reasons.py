"""Why entries failed, in words: what the pages call each reason."""

from dataclasses import dataclass

from auditlogs.entry.reasons import Slug

UNKNOWN = "Recorded before reasons were kept"


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason as a row of figures names it, and as the title above one entry."""

    label: str
    title: str


REASONS: dict[Slug, Reason] = {
    "kill_switch": Reason("Kill switch on", "Blocked: the kill switch was on"),
    "breaker_open": Reason("Circuit breaker open", "Blocked: a circuit breaker was open"),
    "missing_scope": Reason("Key lacks a scope", "Refused: the key lacks a scope"),
    "rate_limited": Reason("Rate limit", "Refused: too many calls"),
    "key_rotated": Reason("Key was rotated", "Refused: the key was rotated"),
    "key_revoked": Reason("Key was revoked", "Refused: the key was revoked"),
    "key_expired": Reason("Key has expired", "Refused: the key had expired"),
    "invalid_key": Reason("Invalid key", "Refused: the key was not valid"),
    "sign_in_refused": Reason("Sign-in refused", "The sign-in was refused"),
    "locked_out": Reason("Locked out", "Refused: locked out"),
    "refused_approval": Reason("Approval refused", "Not approved"),
    "denied_by_policy": Reason("Denied by policy", "Denied by a policy"),
    "invalid_arguments": Reason("Invalid arguments", "Failed: invalid arguments"),
    "timeout": Reason("Timed out", "Failed: no answer in time"),
    "cancelled": Reason("Cancelled", "Cancelled"),
    "order_rejected": Reason("Order rejected", "The order was rejected"),
    "exception": Reason("Exception", "Failed: an exception"),
    "tool_error": Reason("Tool reported an error", "Failed: the tool reported an error"),
    "forbidden": Reason("Forbidden", "Refused: forbidden"),
    "other": Reason("Other", "Failed"),
}
_LABELS: dict[str, str] = {slug: reason.label for slug, reason in REASONS.items()}


def label_of(slug: str) -> str:
    """Return the label of a counted reason. Entries of earlier versions have an empty one."""
    return _LABELS.get(slug, slug) if slug else UNKNOWN
