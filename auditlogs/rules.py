"""The rules of this house: what its settings add to what every entry has to be."""

import functools
from datetime import datetime
from typing import Any

from django.conf import settings

from auditlogs import validation
from auditlogs.redaction import Redactor
from auditlogs.retention import retention_days
from auditlogs.validation import Checked


@functools.cache
def redactor() -> Redactor:
    """Return the redactor with the operator's names and patterns. Raises BadPattern."""
    return Redactor(settings.AUDITLOGS_REDACT_NAMES, settings.AUDITLOGS_REDACT_PATTERNS)


def check(plain: Any, received: datetime) -> Checked:
    """Check an entry as plain JSON, under the names of the API. Raises InvalidEntry."""
    return validation.check(plain, received, redactor=redactor(), kept_days=retention_days())
