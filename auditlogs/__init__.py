"""The audit log: append-only, redacted, in MongoDB, read through one query layer.

`auditlogs.record(...)` stores an entry; `auditlogs.audited(...)` times a block and records its
outcome; `auditlogs.bind(...)` sets fields for the entries of a block.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auditlogs.intake.context import bind
    from auditlogs.recording.guard import audited
    from auditlogs.recording.recorder import record

__all__ = ["audited", "bind", "record"]

_MODULES = {"audited": "recording.guard", "bind": "intake.context", "record": "recording.recorder"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used.

    A service that only sends entries has neither Django nor the database driver.
    """
    if name not in _MODULES:
        raise AttributeError(name)
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"auditlogs.{_MODULES[name]}"), name)
