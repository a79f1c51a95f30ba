"""The audit log: append-only, redacted, in MongoDB, read through one query layer.

`auditlogs.record(...)` stores an entry.
"""

from auditlogs.recording import record

__all__ = ["record"]
