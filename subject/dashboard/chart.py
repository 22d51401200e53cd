"""What the charts draw: each node's requests, refusals and latency, in steps of equal length. No IO."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from gateway.contract import sketches
from subject.cluster.metrics import milliseconds
from subject.cluster.samples import Sample
from subject.output.printable import printable

Line = tuple[float | None, ...]
DIGITS = 2


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is drawn of what one node did in (start, end], seconds since 1970."""

    start: float
    end: float
    requests: int
    refused: int
    p99_ms: float | None

    @classmethod
    def of(cls, sample: Sample) -> "Stretch":
        """That of a sample."""
        p99 = milliseconds(sketches.quantile_seconds(sample.latency, 0.99))
        return cls(sample.start, sample.end, sample.totals.requests, sample.totals.refused, p99)


@dataclass(frozen=True, slots=True)
class Lines:
    """One node's: a value for each step; None where nothing is known of it."""

    rate: Line  # requests per second
    refused: Line  # of these
    p99_ms: Line  # latency of forwarded requests


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines by node, from `start` to before `until`, whole seconds since 1970, one value each `step`."""

    step: int
    start: int
    until: int
    lines: Mapping[str, Lines]

    def as_json(self) -> dict[str, Any]:
        """For the browser."""
        nodes = {
            printable(node): {"rate": of_node.rate, "refused": of_node.refused, "p99_ms": of_node.p99_ms}
            for node, of_node in self.lines.items()
        }
        return {"step": self.step, "start": self.start, "until": self.until, "nodes": nodes}


def draw(nodes: Mapping[str, Iterable[Stretch]], start: int, until: int, step: int) -> Chart:
    """The chart of these nodes, in steps that begin at multiples of `step`."""
    first = start - start % step
    steps = max(0, (until - first) // step)
    return Chart(
        step,
        first,
        first + steps * step,
        {node: _lines(of, first, steps, step) for node, of in nodes.items()},
    )


def _lines(stretches: Iterable[Stretch], first: int, steps: int, step: int) -> Lines:
    requests: list[float | None] = [None] * steps
    refused: list[float | None] = [None] * steps
    p99_ms: list[float | None] = [None] * steps
    for one in stretches:
        begin, end = (one.start - first) / step, (one.end - first) / step
        for place in range(max(0, floor(begin)), min(steps, ceil(end))):
            share = (min(end, place + 1) - max(begin, place)) / (end - begin) / step
            requests[place] = (requests[place] or 0.0) + one.requests * share
            refused[place] = (refused[place] or 0.0) + one.refused * share
        # A histogram cannot be cut: it stands where most of its stretch does.
        middle = floor((begin + end) / 2)
        if one.p99_ms is not None and 0 <= middle < steps:
            p99_ms[middle] = max(one.p99_ms, p99_ms[middle] or 0.0)
    return Lines(_rounded(requests), _rounded(refused), _rounded(p99_ms))


def _rounded(values: Iterable[float | None]) -> Line:
    return tuple(None if value is None else round(value, DIGITS) for value in values)
