"""The formats in which entries leave the log, one table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from auditlogs.entry import numbers
from auditlogs.entry.schema import Entry, to_json
from auditlogs.export import csv_rows
from auditlogs.forms.ecs import to_ecs
from auditlogs.forms.fields import JsonObject
from auditlogs.forms.ocsf import to_ocsf

NDJSON_TYPE = "application/x-ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How entries are written: each as one line with its end, between `opening` and what `closing`
    makes of the manifest's JSON.

    The manifest's SHA-256 is that of `header` and of the lines, without `between`, which separates
    them.
    """

    label: str
    about: str
    content_type: str
    extension: str
    row: Callable[[Entry], bytes]
    closing: Callable[[bytes], bytes]
    header: bytes = b""
    opening: bytes = b""
    between: bytes = b""

    def page(self, entries: Iterable[Entry]) -> bytes:
        """Return some entries alone: the header and their lines."""
        return self.header + b"".join(map(self.row, entries))


def _json_line(entry: Entry) -> bytes:
    return to_json(entry) + b"\n"


def _manifest_line(manifest: bytes) -> bytes:
    return b'{"manifest":%b}\n' % manifest


def _manifest_row(manifest: bytes) -> bytes:
    # As many cells as in every other row; a comment for what skips those.
    cells = ["#manifest", csv_rows.neutral_json(manifest.decode())]
    return csv_rows.line(cells + [""] * (len(csv_rows.COLUMNS) - len(cells)))


def _lines_of(
    form: Callable[[Entry], JsonObject], label: str, about: str, extension: str
) -> Format:
    """Return the format with a standard form of each entry on a line."""
    return Format(
        label=label,
        about=about,
        content_type=NDJSON_TYPE,
        extension=extension,
        row=lambda entry: numbers.encode(form(entry)) + b"\n",
        closing=_manifest_line,
    )


FORMATS: dict[str, Format] = {
    "csv": Format(
        label="CSV",
        about="For spreadsheets; what could be a formula is disarmed",
        content_type="text/csv; charset=utf-8; header=present",
        extension="csv",
        row=csv_rows.row,
        header=csv_rows.header(),
        closing=_manifest_row,
    ),
    "ndjson": Format(
        label="NDJSON",
        about="An entry on each line, as in the API",
        content_type=NDJSON_TYPE,
        extension="ndjson",
        row=_json_line,
        closing=_manifest_line,
    ),
    "json": Format(
        label="JSON",
        about="One object, as in the API",
        content_type="application/json",
        extension="json",
        row=_json_line,
        opening=b'{"entries":[\n',
        between=b",",
        closing=lambda manifest: b'],"manifest":%b}\n' % manifest,
    ),
    "ocsf": _lines_of(to_ocsf, "OCSF", "Events of OCSF 1.8", "ocsf.ndjson"),
    "ecs": _lines_of(to_ecs, "ECS", "Elastic Common Schema", "ecs.ndjson"),
}
