"""What the operating system says of this process, and how late its event loop is."""

import asyncio
import os
import resource
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.clock import monotonic

_STATM = Path("/proc/self/statm")
_DESCRIPTORS = Path("/dev/fd")
_PROBE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Usage:
    """What a node's processes take of their machine: user and system time since the start, and memory."""

    cpu_seconds: float
    rss_bytes: int
    workers: int = 1  # those that serve


def usage() -> Usage:
    """Of this process."""
    return Usage(cpu_seconds(), rss_bytes())


def cpu_seconds() -> float:
    """User and system time since the start."""
    return time.process_time()


def rss_bytes() -> int:
    """Resident memory: now on Linux, elsewhere the most that there was."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def open_descriptors(others: Iterable[int] = ()) -> int:
    """How many this process has open, and the processes with these ids; 0 where the system does not tell."""
    return max(0, _entries(_DESCRIPTORS) - 1) + sum(_entries(Path(f"/proc/{pid}/fd")) for pid in others)


def _entries(folder: Path) -> int:
    """How many a folder has; that of our own descriptors also has the one by which it is listed."""
    try:
        return sum(1 for _ in folder.iterdir())
    except OSError:
        return 0


class LoopLag:
    """How long ready tasks wait for their turn."""

    def __init__(self) -> None:
        self._longest = 0.0

    async def run(self) -> None:
        """Measure, for ever: how much later than asked a sleep ends."""
        while True:
            due = monotonic() + _PROBE_SECONDS
            await asyncio.sleep(_PROBE_SECONDS)
            self._longest = max(self._longest, monotonic() - due)

    def take_longest_seconds(self) -> float:
        """The longest since the last call."""
        longest, self._longest = self._longest, 0.0
        return longest
