"""The public address of `auditlogs.intake.context`: who acts and in which request."""

from auditlogs.intake.context import (
    Context,
    Fields,
    bind,
    current,
    resolved,
    session_label,
    trace_id,
)

__all__ = ["Context", "Fields", "bind", "current", "resolved", "session_label", "trace_id"]
