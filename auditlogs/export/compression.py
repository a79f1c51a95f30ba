"""How files of the archive are compressed, one table."""

import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import BinaryIO, Literal

Mode = Literal["rb", "wb"]


class NotInstalled(Exception):
    """The library of a compression is missing."""


@dataclass(frozen=True, slots=True)
class Compression:
    """The extension of compressed files, how one is opened, and what reading a damaged one raises.
    `open` and `damage` raise NotInstalled."""

    extension: str
    open: Callable[[BinaryIO, Mode], io.BufferedIOBase]
    damage: Callable[[], tuple[type[Exception], ...]]


def _gzip(file: BinaryIO, mode: Mode) -> io.BufferedIOBase:
    # Without name and time, so that the same entries make the same file.
    return gzip.GzipFile("", mode, compresslevel=6, fileobj=file, mtime=0)


def _zstd(file: BinaryIO, mode: Mode) -> io.BufferedIOBase:
    opened: io.BufferedIOBase = _zstd_library().ZstdFile(file, mode)
    return opened


def _zstd_library() -> ModuleType:
    try:
        from backports import zstd  # noqa: PLC0415 - of the extra `zstd`
    except ImportError:
        raise NotInstalled("Zstandard needs the extra zstd: pip install backports.zstd") from None
    return zstd


COMPRESSIONS = {
    "gzip": Compression("gz", _gzip, lambda: (OSError, EOFError, zlib.error)),
    "zstd": Compression("zst", _zstd, lambda: (EOFError, _zstd_library().ZstdError)),
}
