"""The audit log: append-only, redacted, in MongoDB, read through one query layer.

`auditlogs.record(...)` stores an entry; `auditlogs.audited(...)` guards an action; what
`auditlogs.bind(...)` says holds for every entry within.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auditlogs.intake.context import bind
    from auditlogs.recording.guard import audited
    from auditlogs.recording.recorder import record

__all__ = ["audited", "bind", "record"]

_HOMES = {"audited": "recording.guard", "bind": "intake.context", "record": "recording.recorder"}


def __getattr__(name: str) -> Any:
    """Import what is asked for, so that a program without Django can use the rest."""
    if name not in _HOMES:
        raise AttributeError(name)
    # Not at the top: a program that only sends entries has neither Django nor the driver.
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"auditlogs.{_HOMES[name]}"), name)
