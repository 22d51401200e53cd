"""What processes cost the machine, by Linux' clocks and /proc: processor time in nanoseconds, and memory."""

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

_CPUCLOCK_SCHED = 2
"""The kind of clock that counts what the scheduler gave, not ticks (include/linux/posix-timers.h)."""


def cpu_ns(pids: Iterable[int]) -> int:
    """Processor time of these processes with all their threads, ended ones too; not of their children."""
    return sum(time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED) for pid in pids)


def rss_bytes(pids: Iterable[int]) -> int:
    """Memory that these processes have in use, each counting what it shares with others."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> tuple[int, ...]:
    """The process and all that descend from it, of those that run now."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = [pid]
    for known in found:
        found += [child for child, parent in parents.items() if parent == known]
    return tuple(found)


def pin(pids: Iterable[int], cores: Sequence[int]) -> None:
    """Let every thread of these processes run on these cores only."""
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), cores)
