"""What load is: streams of requests at a rate, spread over nodes and API keys, and its JSON in a file.

The generator follows the file while it changes, so a load over time is one file replaced now and then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from random import Random

from gateway.contract import codec


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests that are sent independently of each other (a Poisson process) at `rate_per_second`.

    Each goes to one of the load's nodes, drawn by `node_weights` (one a node; equal where empty), under one
    of `keys`, drawn evenly.
    """

    rate_per_second: float
    keys: tuple[str, ...]
    node_weights: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One request to send."""

    node: int  # an index into the load's nodes
    key: str


@dataclass(frozen=True, slots=True)
class Load:
    """All streams together."""

    streams: tuple[Stream, ...]

    @property
    def rate_per_second(self) -> float:
        """The sum of all streams' rates."""
        return sum(stream.rate_per_second for stream in self.streams)


IDLE = Load(streams=())


@dataclass(slots=True)
class Requests:
    """Draws a load's requests. One object a load: it keeps the sums that drawing needs."""

    load: Load
    nodes: int
    random: Random
    _cumulative_rates: list[float] = field(init=False)
    _cumulative_weights: list[Sequence[float]] = field(init=False)

    def __post_init__(self) -> None:
        """Sum up once what each drawing looks up."""
        self._cumulative_rates = list(accumulate(stream.rate_per_second for stream in self.load.streams))
        self._cumulative_weights = [
            list(accumulate(stream.node_weights or (1.0,) * self.nodes)) for stream in self.load.streams
        ]

    def gap_seconds(self) -> float:
        """The time from one request to the next; infinite where there is none."""
        rate = self.load.rate_per_second
        return self.random.expovariate(rate) if rate > 0 else float("inf")

    def draw(self) -> Request:
        """The next one. The load must have a stream with a rate above zero."""
        (chosen,) = self.random.choices(range(len(self.load.streams)), cum_weights=self._cumulative_rates)
        (node,) = self.random.choices(range(self.nodes), cum_weights=self._cumulative_weights[chosen])
        return Request(node, self.random.choice(self.load.streams[chosen].keys))


def write(load: Load, path: Path) -> None:
    """Replace the file in one step: a reader finds the old load or the new one."""
    draft = path.with_suffix(".new")
    draft.write_text(codec.encode(load))
    draft.replace(path)
