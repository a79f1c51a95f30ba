"""The log of the process: one JSON object per line on standard error, redacted.

The output is ASCII, so that no text can end a line, forge another or control a terminal.
"""

import logging
import sys
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType

from structlog.processors import EventRenamer, JSONRenderer, format_exc_info
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, WrappedLogger

from auditlogs.entry.times import format_rfc3339
from auditlogs.intake import context
from auditlogs.redaction import Redactor

# How many characters of a text are redacted, and how many of those are written.
MAX_READ = 262_144
MAX_SHOWN = 32_768
# A secret may be cut where reading stops, and half a secret has no recognizable shape: so many
# characters before the cut are left out.
MARGIN = 8_192


class JsonLines(ProcessorFormatter):
    """Formats log records: `timestamp`, `level`, `logger`, `message`, and where present
    `requestId`, `correlationId` and `exception`.

    `names` and `patterns` are additional rules for the redactor. Raises BadPattern for an invalid
    pattern; formatting never raises.
    """

    def __init__(
        self, names: Iterable[str] = (), patterns: Mapping[str, str] | None = None
    ) -> None:
        self._redactor = Redactor(names, patterns)
        super().__init__(
            processors=[
                _add_timestamp,
                add_log_level,
                add_logger_name,
                EventRenamer("message"),
                _add_ids,
                format_exc_info,
                self.remove_processors_meta,
                self._clean,
                JSONRenderer(),
            ]
        )

    def format(self, record: logging.LogRecord) -> str:
        try:
            return super().format(record)
        except Exception as error:  # noqa: BLE001 - logging would print the record unredacted
            return super().format(_unwritable(record, error))

    def _clean(self, _: WrappedLogger, __: str, line: EventDict) -> EventDict:
        """Redact and shorten all texts of a line."""
        return {
            name: self._clean_text(value) if isinstance(value, str) else value
            for name, value in line.items()
        }

    def _clean_text(self, text: str) -> str:
        clean = self._redactor.text(text[:MAX_READ])
        note = f" … (cut; {len(text):,} characters in all) … "
        if len(text) > MAX_READ:
            return clean[:-MARGIN][:MAX_SHOWN] + note
        if len(clean) > MAX_SHOWN:
            return clean[: MAX_SHOWN // 2] + note + clean[-MAX_SHOWN // 2 :]
        return clean


def install_hooks() -> None:
    """Log Python's warnings and uncaught exceptions of the process and its threads."""
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda end: _log_uncaught(end.exc_type, end.exc_value, end.exc_traceback)


def _log_uncaught(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    # These two end a process on purpose.
    if error is not None and not issubclass(kind, KeyboardInterrupt | SystemExit):
        name = threading.current_thread().name
        logging.getLogger(__name__).critical(
            "%s ended by an exception", name, exc_info=(kind, error, trace)
        )


def _add_timestamp(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    record: logging.LogRecord = line["_record"]
    line["timestamp"] = format_rfc3339(datetime.fromtimestamp(record.created, UTC))
    return line


def _add_ids(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Add the IDs of the request, by which its log lines and its entries are found together."""
    request = context.current()
    if request.request_id:
        line["requestId"] = request.request_id
    if request.correlation_id:
        line["correlationId"] = request.correlation_id
    return line


def _unwritable(record: logging.LogRecord, error: Exception) -> logging.LogRecord:
    """Return a record that replaces one which could not be formatted; it has none of its text."""
    text = "A line could not be written: %s in %s, line %d"
    details = (type(error).__name__, record.module, record.lineno)
    return logging.LogRecord(
        record.name, record.levelno, record.pathname, record.lineno, text, details, None
    )
