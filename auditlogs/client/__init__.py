"""Record from another service over HTTP: `auditlogs.client.Client`."""

from auditlogs.client.client import Client
from auditlogs.client.introspection import Introspection, KeysUnavailable
from auditlogs.intake.validation import InvalidEntry

__all__ = ["Client", "Introspection", "InvalidEntry", "KeysUnavailable"]
