"""Entries as CloudEvents, version 1.0, in the JSON event format.

See https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md.
"""

from urllib.parse import quote

from auditlogs.entry.schema import Entry
from auditlogs.forms.fields import Fields, JsonObject, without_empty

VERSION = "1.0"
CONTENT_TYPE = "application/cloudevents+json"


def to_cloudevents(entry: Entry, source: str) -> JsonObject:
    """Return an entry as a CloudEvent: the action is its type, the target its subject, the API form
    its data.

    `source` is the URI reference of this log: with `id` it identifies the event.
    """
    fields = Fields(entry)
    target = entry.target
    return without_empty(
        {
            "specversion": VERSION,
            "id": entry.id,
            "source": source,
            "type": entry.action,
            "time": entry.timestamp,
            "subject": f"{_segment(target.type)}/{_segment(target.id)}" if target else None,
            "datacontenttype": "application/json",
            # The Distributed Tracing extension has no place for a trace ID without a span.
            "data": fields.all(),
        }
    )


def _segment(text: str) -> str:
    return quote(text, safe=":@")
