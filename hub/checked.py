"""What the environment says, checked when the program starts: each raises ValidationError."""

from typing import Any

from environs import ValidationError
from limits import parse_many

from auditlogs.redaction import BadPattern, Redactor

MIN_SPOOL_BYTES = 65_536


def patterns(value: Any) -> None:
    """Take a JSON object of rule names to patterns that RE2 can compile."""
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ValidationError("expected a JSON object of rule names to RE2 patterns")
    try:
        Redactor(patterns=value)
    except BadPattern as error:
        raise ValidationError(str(error)) from error


def rate(value: str) -> None:
    """Take a rate such as 30/minute, or several, all of which hold."""
    try:
        parse_many(value)
    except ValueError as error:
        raise ValidationError("expected rates such as 1200/minute;200/10 second") from error


def size(value: int) -> None:
    """Take a number of bytes that a file of SQLite's can have."""
    if value < MIN_SPOOL_BYTES:
        raise ValidationError(f"expected at least {MIN_SPOOL_BYTES} bytes")
