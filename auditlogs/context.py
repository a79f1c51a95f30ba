"""Who acts, in which request: the public address of `auditlogs.intake.context`."""

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
