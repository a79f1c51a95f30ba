"""Record from another service over HTTP: `auditlogs.client.Client`."""

from auditlogs.client.client import Client
from auditlogs.client.introspection import Introspection, KeysUnavailable
from auditlogs.intake.approvals import arguments_hash
from auditlogs.intake.validation import InvalidEntry

__all__ = ["Client", "Introspection", "InvalidEntry", "KeysUnavailable", "arguments_hash"]
