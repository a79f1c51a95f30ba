"""Ballast: disk space in reserve, so that entries can leave the spool when the disk is full.

Removing an entry writes to the disk first. Without space the spool could not be emptied, and the
disk would stay full.
"""

import contextlib
import os
from pathlib import Path

BYTES = 4 * 1024 * 1024


class Ballast:
    """A file that only takes space."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ballast"

    def release(self) -> bool:
        """Free the space; tell whether there was any."""
        try:
            self._file.unlink()
        except OSError:
            return False
        return True

    def restore(self) -> bool:
        """Take the space again, if the disk has it; tell whether the ballast is there."""
        if self._file.exists():
            return True
        draft = self._file.with_name("ballast.new")
        try:
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.posix_fallocate(file, 0, BYTES)
            finally:
                os.close(file)
            draft.rename(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            return False
        return True
