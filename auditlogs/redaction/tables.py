"""Tables: secrets in columns with the name of a secret, in CSV, psql, MySQL and SQL."""

from collections.abc import Iterator

from auditlogs.redaction.assignments import RULE
from auditlogs.redaction.judging import is_secret
from auditlogs.redaction.names import Kind, Names, plain_name
from auditlogs.redaction.patterns import Span, pattern, spans
from auditlogs.redaction.values import balanced, skip

_MAX_COLUMNS = 100
_insert = pattern(r"(?i)\binto\s+[^\s(]+\s*\([^()]*\)\s*values\s*\(")
_line = pattern(r"[^\n]+")
_ruled = pattern(r"^[\s|+:=-]+$")


class Tables:
    """Finds secrets in columns. `cores` is the pattern of the parts of names of secrets."""

    def __init__(self, names: Names, cores: str) -> None:
        self._names = names
        self._heading = pattern(rf"(?im)^[^\r\n]*(?:{cores})[^\r\n]*\r?\n")

    def find(self, data: bytes) -> Iterator[Span]:
        """Yield the secrets in the cells of a view."""
        if b"\n" in data and b"[ RECORD " not in data:
            yield from self._columns(data)
        if b"into" in data.lower():
            yield from self._inserted(data)

    def _kind(self, name: bytes) -> Kind:
        return self._names.kind(name.strip(b" \t\r\"'`[]").decode())

    def _inserted(self, data: bytes) -> Iterator[Span]:
        after = 0
        for start, end in spans(_insert, data):
            columns = data[data.index(b"(", start) + 1 : data.index(b")", start)].split(b",")
            if start < after or not any(self._kind(name) is Kind.SECRET for name in columns):
                continue
            opening = end - 1
            while data[opening : opening + 1] == b"(":
                after = balanced(data, opening)
                yield opening + 1, max(after - 1, opening + 2), RULE
                opening = skip(data, after, b", \t\r\n")

    def _columns(self, data: bytes) -> Iterator[Span]:
        """Yield the cells of the columns whose heading is the name of a secret."""
        after = 0
        for start, end in spans(self._heading, data):
            if start < after:
                continue
            line = data[start:end].rstrip(b"\r\n")
            sign = next((sign for sign in (b"\t", b"|", b";", b",") if sign in line), None)
            cells = line.split(sign) if sign else []
            if not 2 <= len(cells) <= _MAX_COLUMNS or len(line) > 2_000:
                continue
            kinds = [self._kind(cell) if len(cell) <= 60 else Kind.PLAIN for cell in cells]
            if max(kinds) < Kind.TOKEN or any(b":" in cell or b"=" in cell for cell in cells):
                continue
            names = [plain_name(cell.decode()) for cell in cells]
            after = end
            for line_start, line_end in spans(_line, data[end:]):
                found = data[end + line_start : end + line_end]
                row = found.split(sign)
                if _ruled.search(found):
                    continue
                if len(row) != len(cells):
                    break
                after = place = end + line_start
                for cell, kind, name in zip(row, kinds, names, strict=True):
                    text = cell.strip(b" \t\r\"'")
                    if kind >= Kind.TOKEN and text and is_secret(text.decode(), kind, name):
                        inner = place + cell.index(text)
                        yield inner, inner + len(text), RULE
                    place += len(cell) + 1
