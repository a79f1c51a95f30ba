"""Whether an archive is whole: every file as its manifest says, and no day missing between two."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from auditlogs.export.archive import DAY, MANIFEST, Manifest, sha256_of
from auditlogs.export.compression import COMPRESSIONS, Compression
from auditlogs.export.formats import FORMATS


@dataclass(frozen=True, slots=True)
class Checked:
    """A file below the folder, how many entries it has, and what is wrong with it, if anything."""

    file: Path
    count: int
    fault: str = ""


def verify(folder: Path) -> Iterator[Checked]:
    """Check every manifest below a folder. Raises NotInstalled, and OSError for what cannot be
    read."""
    known: set[Path] = set()
    days: dict[tuple[Path, str], set[date]] = {}
    for path in sorted(folder.rglob(f"*{MANIFEST}")):
        stem = path.name.removesuffix(MANIFEST)
        manifest = _read(path, stem)
        if manifest is None:
            known.update(path.parent.glob(f"{stem}.*"))
            yield Checked(path.relative_to(folder), 0, "is damaged")
            continue
        file = path.with_name(manifest.file.name)
        known.add(file)
        days.setdefault((path.parent, manifest.format), set()).add(manifest.day)
        yield Checked(file.relative_to(folder), manifest.count, _fault(file, manifest))
    endings = tuple(f".{each.extension}" for each in COMPRESSIONS.values())
    for path in sorted(folder.rglob("*")):
        # What begins with a dot is being written, or was when its process was killed.
        is_day = path.name.endswith(endings) and not path.name.startswith(".")
        if is_day and path not in known:
            yield Checked(path.relative_to(folder), 0, "has no manifest")
    for (place, name), found in days.items():
        for file in _gaps(place, name, found):
            yield Checked(file.relative_to(folder), 0, "is missing, with its manifest")


def _gaps(place: Path, name: str, found: set[date]) -> Iterator[Path]:
    """Yield the days, as files, of which nothing is there between the first and the last one. What
    is there of a day without a good manifest has been named already."""
    endings = (MANIFEST, *(f".{each.extension}" for each in COMPRESSIONS.values()))
    day = min(found)
    while (day := day + DAY) < max(found):
        file = place / f"{day}.{FORMATS[name].extension}"
        if day not in found and not any(Path(f"{file}{end}").exists() for end in endings):
            yield file


def _read(path: Path, stem: str) -> Manifest | None:
    """Return a manifest, or None if it is damaged or that of another file."""
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.DecodeError:
        return None
    form = FORMATS.get(manifest.format)
    is_own = form is not None and stem == f"{manifest.day}.{form.extension}"
    names = {f"{stem}.{each.extension}" for each in COMPRESSIONS.values()}
    return manifest if is_own and manifest.file.name in names else None


def _fault(file: Path, manifest: Manifest) -> str:
    try:
        size = file.stat().st_size
    except FileNotFoundError:
        return "is missing"
    if size < manifest.file.bytes:
        return f"is cut: {size:,} of {manifest.file.bytes:,} bytes"
    if sha256_of(file) != manifest.file.sha256:
        return "is damaged"
    (compression,) = (c for c in COMPRESSIONS.values() if file.suffix == f".{c.extension}")
    return "" if _is_inside(file, compression, manifest) else "has other entries than its manifest"


def _is_inside(file: Path, compression: Compression, manifest: Manifest) -> bool:
    """Tell whether a file has the lines that its manifest says, and the same manifest at its end;
    so a manifest that was changed alone is noticed, too."""
    form = FORMATS[manifest.format]
    lines, last = hashlib.sha256(), b""
    try:
        with file.open("rb") as raw, compression.open(raw, "rb") as inside:
            inside.read(len(form.opening))
            for line in inside:
                lines.update(last)
                last = line.removeprefix(form.between)
    except compression.damage():
        return False
    return lines.hexdigest() == manifest.sha256 and last == form.closing(manifest.inner())
