"""The codes that the Hub records in payloads; `hub.help.codes` says what each one means."""

from typing import Literal

# A type, so that mypy rejects code that records anything else.
HubCode = Literal[
    "already-linked",
    "ambiguous-email",
    "code-refused",
    "cross-site",
    "csrf",
    "idle",
    "inactive-person",
    "invalid-answer",
    "invalid-credentials",
    "invalid-discovery",
    "invalid-token",
    "invitation-used",
    "locked-out",
    "permission-denied",
    "provider-away",
    "provider-refused",
    "rate-limited",
    "state",
    "unknown-identity",
    "unverified-email",
]
