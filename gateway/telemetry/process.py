"""What the operating system says of this process, and how late its event loop is."""

import asyncio
import os
import resource
import sys
import time
from pathlib import Path

from gateway.clock import monotonic

_STATM = Path("/proc/self/statm")
_DESCRIPTORS = Path("/dev/fd")
_PROBE_SECONDS = 0.1


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


def open_descriptors() -> int:
    """How many are open; 0 where the system does not tell."""
    try:
        return sum(1 for _ in _DESCRIPTORS.iterdir()) - 1  # the one of the listing
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
