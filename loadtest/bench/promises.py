"""What is promised, as ratios within one run."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from loadtest.bench.job import Measured
from loadtest.bench.rounds import Results

Figure = Callable[[Measured], float]


def cpu(measured: Measured) -> float:
    """Processor time a request of the process under test."""
    return measured.cpu_us


def redis(measured: Measured) -> float:
    """Processor time a request of Redis."""
    return measured.redis_us


@dataclass(frozen=True, slots=True)
class Promise:
    """A figure of one peer and scenario to that of another is at most `most`."""

    what: str
    of: tuple[str, str]
    to: tuple[str, str]
    most: float
    figure: Figure = cpu

    def ratio(self, results: Results) -> float | None:
        """The median of the rounds' ratios; None where one of both was not measured."""
        pairs = list(zip(results.of(*self.of), results.of(*self.to), strict=False))
        return median(self.figure(a) / self.figure(b) for a, b in pairs) if pairs else None


def _allowed(other: str, most: float) -> Promise:
    return Promise(f"allowed, many keys: to {other}", ("ours", "allowed"), (other, "allowed"), most)


def _refused(other: str, most: float) -> Promise:
    return Promise(f"refused: to {other}", ("ours", "refused"), (other, "refused"), most)


def _own(what: str, scenario: str, to: str, most: float, figure: Figure = cpu) -> Promise:
    return Promise(what, ("ours", scenario), ("ours", to), most, figure)


PROMISES = (
    _allowed("textbook", 0.13),
    _allowed("nginx-pipeline", 0.75),
    _allowed("nginx-script", 1.15),
    Promise(
        "allowed, many keys, full windows: to nginx-pipeline",
        ("ours", "allowed-full"),
        ("nginx-pipeline", "allowed-full"),
        0.4,
    ),
    _own("full windows to empty ones, one key", "one-key-full", "one-key", 1.1),
    _own("the same of Redis", "one-key-full", "one-key", 1.2, redis),
    _own("full windows to empty ones, many keys", "allowed-full", "allowed", 1.4),
    _refused("textbook", 0.08),
    _refused("envoy", 0.65),
    _refused("haproxy", 1.4),
    _own("POST of 4 KiB to GET", "post", "allowed", 1.3),
    Promise("answer of 256 KiB: to nginx-script", ("ours", "big"), ("nginx-script", "big"), 1.5),
)
