"""Validation by the settings: the operator's redaction rules and the retention."""

import functools
from datetime import datetime
from typing import Any

from django.conf import settings

from auditlogs import metrics
from auditlogs.entry.invisible import has_hidden_character
from auditlogs.entry.schema import Entry
from auditlogs.intake import validation
from auditlogs.intake.validation import Checked
from auditlogs.redaction import RULES, Redactor
from auditlogs.storage.retention import retention_days


@functools.cache
def redactor() -> Redactor:
    """Return the redactor with the operator's names and patterns. Raises BadPattern."""
    return Redactor(settings.AUDITLOGS_REDACT_NAMES, settings.AUDITLOGS_REDACT_PATTERNS)


def check(plain: Any, received: datetime) -> Checked:
    """Redact and validate an entry, plain JSON under the names of the API. Raises InvalidEntry."""
    return validation.check(plain, received, redactor=redactor(), kept_days=retention_days())


def complete(
    checked: Checked, *, account: str, received: datetime, asserted_by: str | None
) -> Entry:
    """Return a checked entry as it is stored."""
    entry = validation.complete(
        checked,
        account=account,
        received=received,
        asserted_by=asserted_by,
        redactor=redactor(),
    )
    metrics.count_redactions(
        [each.rule for each in entry.redactions], RULES | settings.AUDITLOGS_REDACT_PATTERNS.keys()
    )
    return entry


def check_text(what: str, text: str, length: int, *, is_name: bool = False) -> None:
    """Check a name or id that is stored outside the entries, such as a key's.

    Raises ValueError for invisible characters, a secret, or more than `length` characters.
    """
    if not 0 < len(text) <= length or has_hidden_character(text, is_name=is_name):
        raise ValueError(f"{what} must have 1 to {length} characters, none of them invisible")
    if redactor().text(text) != text:
        raise ValueError(f"{what} must not be, or hold, a secret")
