"""The HTTP response that an export streams into."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, QueryDict, StreamingHttpResponse

from auditlogs.entry.times import format_rfc3339, from_ms, now
from auditlogs.export.formats import FORMATS, Format
from auditlogs.export.stream import Stream
from auditlogs.query.filters import ListRequest

FORMAT = "format"
DEFAULT_FORMAT = "ndjson"
# A reader that takes nothing for so long is cut off: it would hold a thread for ever.
SEND_SECONDS = 60.0


def format_of(data: QueryDict) -> tuple[str, str | None]:
    """Return the name of the format that is asked for, and what is wrong with the parameter, if
    anything."""
    given = [value for value in data.getlist(FORMAT) if value]
    name = given[0] if given else DEFAULT_FORMAT
    if len(given) > 1:
        return DEFAULT_FORMAT, "expected one value, not several"
    if name not in FORMATS:
        return DEFAULT_FORMAT, f"expected one of {', '.join(FORMATS)}"
    return name, None


def facts_of(name: str, query: ListRequest) -> dict[str, Any]:
    """Return what the entry and the manifest say the export was limited to: the parameters that
    were given or applied without being asked for, and the range of time that they came to."""
    window, bot = query.entries.window, query.entries.bot
    limits = list(query.given.items())
    if window.length and "dateRange" not in query.given:
        limits.append(("dateRange", window.length))
    # Beside another agent's id, which the request may have named: both hold.
    if bot is not None and ("botId", bot) not in limits:
        limits.append(("botId", bot))
    # A list, because names such as `key` would have their values redacted.
    filters = [{"parameter": parameter, "value": value} for parameter, value in limits]
    end = None if window.end is None else format_rfc3339(from_ms(window.end))
    between = {"start": format_rfc3339(from_ms(window.start)), "end": end}
    return {"format": name, "filters": filters, "range": between}


def respond(request: HttpRequest, stream: Stream, file_format: Format) -> StreamingHttpResponse:
    """Return the response that sends a stream as a file, and closes it."""
    response = head(file_format, stream)
    if (connection := request.META.get("gunicorn.socket")) is not None:
        connection.settimeout(SEND_SECONDS)
    return response


def head(file_format: Format, stream: Iterable[bytes] = ()) -> StreamingHttpResponse:
    """Return the response with its headers alone, as HEAD gets it: without a length, which is not
    known."""
    response = StreamingHttpResponse(stream, content_type=file_format.content_type)
    name = f"audit-logs-{now():%Y-%m-%dT%H-%M-%SZ}.{file_format.extension}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
