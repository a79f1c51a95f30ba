"""The rules of this house: what its settings add to what every entry has to be, and every name."""

import functools
from datetime import datetime
from typing import Any

from django.conf import settings

from auditlogs.entry.text import has_control_character
from auditlogs.intake import validation
from auditlogs.intake.validation import Checked
from auditlogs.redaction import Redactor
from auditlogs.storage.retention import retention_days


@functools.cache
def redactor() -> Redactor:
    """Return the redactor with the operator's names and patterns. Raises BadPattern."""
    return Redactor(settings.AUDITLOGS_REDACT_NAMES, settings.AUDITLOGS_REDACT_PATTERNS)


def check(plain: Any, received: datetime) -> Checked:
    """Check an entry as plain JSON, under the names of the API. Raises InvalidEntry."""
    return validation.check(plain, received, redactor=redactor(), kept_days=retention_days())


def check_text(what: str, text: str, length: int) -> None:
    """Raise ValueError for a name or an id that cannot be shown, or should not be."""
    if not 0 < len(text) <= length or has_control_character(text):
        raise ValueError(f"{what} must have 1 to {length} characters, none of them invisible")
    if redactor().text(text) != text:
        raise ValueError(f"{what} must not be, or hold, a secret")
