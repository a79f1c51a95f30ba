"""The memory of processes, sampled while others use them."""

import statistics
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

EVERY_SECONDS = 5.0
MIB = 1024 * 1024
# A process is flat if its memory grows by no more than this between the thirds of a run.
FLAT_SHARE, FLAT_BYTES = 0.10, 16 * MIB


class Memory:
    """Samples the memory of processes, by name, in a thread. `pids` is asked each time, because
    servers replace their processes."""

    def __init__(self, pids: Callable[[], Mapping[str, list[int]]]) -> None:
        self._pids = pids
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory", daemon=True)
        self.samples: dict[str, list[int]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            for name, pids in self._pids().items():
                self.samples.setdefault(name, []).append(sum(map(resident, pids)))
            if self._stop.wait(EVERY_SECONDS):
                return

    def thirds(self, name: str) -> tuple[int, int]:
        """Return the medians of the second and of the last third: in the first one, a process still
        loads and caches what it needs."""
        samples = self.samples[name]
        size = max(1, len(samples) // 3)
        middle = samples[size : 2 * size] or samples
        return int(statistics.median(middle)), int(statistics.median(samples[-size:]))


def is_flat(middle: int, last: int) -> bool:
    """Tell whether a process that had so many bytes has no more in the end."""
    return last <= middle * (1 + FLAT_SHARE) + FLAT_BYTES


def resident(pid: int) -> int:
    """Return the bytes of a process in memory; 0 for one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)
