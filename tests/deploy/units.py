"""systemd's units and environment files, read as systemd does as far as ours go."""

import re
import shlex
from pathlib import Path


def directives(unit: str) -> dict[str, list[str]]:
    """Return the values of each directive of a unit, in order."""
    found: dict[str, list[str]] = {}
    for line in re.sub(r"\\\n\s*", "", unit).splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith(("#", ";")):
            found.setdefault(name, []).append(value)
    return found


def command(unit: str) -> list[str]:
    """Return the command that a unit starts."""
    (line,) = directives(unit)["ExecStart"]
    return shlex.split(line)


def environment(*files: Path) -> dict[str, str]:
    """Return what environment files set together."""
    return dict(pair for file in files for pair in assignments(file.read_text()))


def assignments(text: str) -> list[tuple[str, str]]:
    """Return the names and values of an environment file."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pairs = (line.partition("=") for line in lines)
    return [(name, "".join(shlex.split(value))) for name, _, value in pairs]
