"""Reading the figures that show whether a remedy helped: from the upstream's log, or as an operator does."""

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from loadtest.scenarios.remedy import Figure, NodeRatio, RefusedRatio, UpstreamRate, WaySeconds
from loadtest.subject_commands import Subject
from loadtest.upstream_log import FLUSH_SECONDS, Arrival, arrivals

WINDOW_SECONDS = 4.0
"""Of the log that is looked at."""

TAIL_BYTES = 1_000_000
"""More than arrives in that time."""


@dataclass(frozen=True, slots=True)
class _Rates:
    """A client's on one node, a second, in the last ten."""

    rate: float
    refused_rate: float


@dataclass(frozen=True, slots=True)
class _Why:
    """One answer of ``subject why CLIENT --json``."""

    nodes: tuple[_Rates, ...]


async def read(figure: Figure, subject: Subject, log: Path) -> float:
    """What it is now.

    Raises:
        SubjectError: the subject does not answer as it should.
    """
    if isinstance(figure, RefusedRatio):
        nodes = (await subject.ask(_Why, "why", figure.client_id)).nodes
        return sum(node.refused_rate for node in nodes) / max(1e-9, sum(node.rate for node in nodes))
    return of_arrivals(figure, _latest(log, time.time()))


def of_arrivals(figure: UpstreamRate | NodeRatio | WaySeconds, latest: list[Arrival]) -> float:
    """One that the requests of the last `WINDOW_SECONDS` show."""
    match figure:
        case UpstreamRate():
            return len(latest) / WINDOW_SECONDS
        case NodeRatio():
            return sum(one.node == figure.node_id for one in latest) / max(1, len(latest))
        case WaySeconds():
            return median(one.at - one.sent for one in latest) if latest else 0.0


def _latest(log: Path, now: float) -> list[Arrival]:
    """What waits to be written is later than that."""
    end = now - 2 * FLUSH_SECONDS
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        _, *lines = file.read().decode().splitlines(keepends=True)  # the first may be a part of one
    complete = (line for line in lines if line.endswith("\n"))
    return [one for one in arrivals(complete) if end - WINDOW_SECONDS < one.at <= end]
