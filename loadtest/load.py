"""What load is: streams of requests at a rate, spread over nodes and API keys, and its JSON in a file.

The generator follows the file while it changes, so a load over time is one file replaced now and then.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from random import Random


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests that arrive independently of each other (a Poisson process) at `rate_per_second`.

    Each goes to one of the load's nodes, drawn by `node_weights` (one a node; equal where empty), under one
    of `keys`, drawn evenly.
    """

    rate_per_second: float
    keys: tuple[str, ...]
    node_weights: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request to send."""

    node: int  # its place among the load's nodes
    key: str


@dataclass(frozen=True, slots=True)
class Load:
    """All streams together."""

    streams: tuple[Stream, ...]

    @property
    def rate_per_second(self) -> float:
        """The sum of all streams' rates."""
        return sum(stream.rate_per_second for stream in self.streams)

    def node_rates(self, nodes: int) -> list[float]:
        """Requests a second that each of `nodes` nodes gets, on average."""
        rates = [0.0] * nodes
        for stream in self.streams:
            weights = stream.node_weights or (1.0,) * nodes
            for place, weight in enumerate(weights):
                rates[place] += stream.rate_per_second * weight / sum(weights)
        return rates


IDLE = Load(streams=())


@dataclass(slots=True)
class Arrivals:
    """Draws a load's arrivals. One object a load: it keeps the sums that drawing needs."""

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
        """The time from one arrival to the next; infinite where nothing arrives."""
        rate = self.load.rate_per_second
        return self.random.expovariate(rate) if rate > 0 else float("inf")

    def draw(self) -> Arrival:
        """The next arrival. The load must have a stream with a rate above zero."""
        (chosen,) = self.random.choices(range(len(self.load.streams)), cum_weights=self._cumulative_rates)
        (node,) = self.random.choices(range(self.nodes), cum_weights=self._cumulative_weights[chosen])
        return Arrival(node, self.random.choice(self.load.streams[chosen].keys))


def encode(load: Load) -> str:
    """JSON with the dataclass's field names."""
    streams = [
        {"rate_per_second": s.rate_per_second, "keys": s.keys, "node_weights": s.node_weights}
        for s in load.streams
    ]
    return json.dumps({"streams": streams})


def decode(text: str) -> Load:
    """What `encode` wrote."""
    document = json.loads(text)
    streams = (
        Stream(float(s["rate_per_second"]), tuple(s["keys"]), tuple(s["node_weights"]))
        for s in document["streams"]
    )
    return Load(tuple(streams))


def write(load: Load, path: Path) -> None:
    """Replace the file in one step: a reader finds the old load or the new one."""
    draft = path.with_suffix(".new")
    draft.write_text(encode(load))
    draft.replace(path)
