"""What load is: streams of requests at a rate, spread over nodes and API keys.

The generator follows it in a file, so a load over time is one file replaced now and then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests that are sent independently of each other (a Poisson process) at `rate_per_second`.

    Each goes to one of the load's nodes, drawn by `node_weights` (one a node; equal where empty), under one
    of `keys`, drawn evenly; where there are none, each under a key of its own that nobody had before.
    They come in bursts of `burst` of one client, at once.
    """

    rate_per_second: float
    keys: tuple[str, ...]
    node_weights: tuple[float, ...] = ()
    burst: int = 1


@dataclass(frozen=True, slots=True)
class Request:
    """One request to send."""

    node: int  # an index into the load's nodes
    key: str


@dataclass(frozen=True, slots=True)
class Load:
    """All streams together; after the last one the generator ends."""

    streams: tuple[Stream, ...]
    is_last: bool = False

    @property
    def rate_per_second(self) -> float:
        """The sum of all streams' rates."""
        return sum(stream.rate_per_second for stream in self.streams)

    @property
    def most_at_once(self) -> int:
        """The requests of its largest burst."""
        return max((stream.burst for stream in self.streams), default=0)


IDLE = Load(streams=())
END = Load(streams=(), is_last=True)


@dataclass(slots=True)
class Requests:
    """Draws a load's requests. One object a load: it keeps the sums that drawing needs."""

    load: Load
    nodes: int
    random: Random
    _cumulative_arrivals: list[float] = field(init=False)
    _cumulative_weights: list[Sequence[float]] = field(init=False)
    _stream: int = 0
    _key: str = ""
    _left: int = 0  # of the burst that this stream sends under this key

    def __post_init__(self) -> None:
        """Sum up once what each drawing looks up."""
        arrivals = (stream.rate_per_second / stream.burst for stream in self.load.streams)
        self._cumulative_arrivals = list(accumulate(arrivals))
        self._cumulative_weights = [
            list(accumulate(stream.node_weights or (1.0,) * self.nodes)) for stream in self.load.streams
        ]

    def gap_seconds(self) -> float:
        """The time from one request to the next; infinite where there is none."""
        if self._left:
            return 0.0
        arrivals = self._cumulative_arrivals[-1] if self._cumulative_arrivals else 0.0
        return self.random.expovariate(arrivals) if arrivals > 0 else float("inf")

    def draw(self) -> Request:
        """The next one. The load must have a stream with a rate above zero."""
        if not self._left:
            streams = self.load.streams
            (self._stream,) = self.random.choices(range(len(streams)), cum_weights=self._cumulative_arrivals)
            stream = streams[self._stream]
            self._key = self.random.choice(stream.keys) if stream.keys else self._new_key()
            self._left = stream.burst
        self._left -= 1
        (node,) = self.random.choices(range(self.nodes), cum_weights=self._cumulative_weights[self._stream])
        return Request(node, self._key)

    def _new_key(self) -> str:
        return f"new-{self.random.getrandbits(64):016x}"
