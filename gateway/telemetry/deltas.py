"""What a worker reports to the node's first process: its state, and its counts since the last report."""

from collections import Counter
from dataclasses import dataclass

from gateway.contract.records import LiveChanges, Refusal, Reloads
from gateway.contract.sketches import Buckets, histogram_difference
from gateway.telemetry.clients import ClientDeltas
from gateway.telemetry.counters import HISTOGRAMS, NUMBERS, Counters, Histogram, Outcome

REPORT_INTERVAL_SECONDS = 0.25
"""Between reports; a killed worker's counts since its last report are lost."""


@dataclass(frozen=True, slots=True)
class HistogramDelta:
    """Increase of a histogram."""

    buckets: Buckets
    sum_seconds: float


@dataclass(frozen=True, slots=True)
class Deltas:
    """Increase of the counters since the last report, by the names in `Counters`."""

    numbers: dict[str, int]
    messages: dict[str, int]  # by outcome
    late: dict[str, int]
    histograms: dict[str, HistogramDelta]
    requests: dict[str, int]  # by client
    refusals: dict[str, int]


@dataclass(frozen=True, slots=True)
class WorkerState:
    """Gauges and health of a worker.

    `redis_ahead_seconds`: Redis' clock minus the monotonic clock, which all processes of a machine share;
    None if unknown.
    """

    gauges: dict[str, int]
    store_connected: bool
    store_trouble: str
    redis_ahead_seconds: float | None
    overrides: LiveChanges
    reloads: Reloads
    policy_digest: str
    loop_lag_seconds: float  # maximum since the last report
    cpu_seconds: float  # since its start
    rss_bytes: int
    tasks: int
    lost_log_lines: int  # since its start


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """`refusals` are the last since the previous report; a `leaving` worker accepts no more connections."""

    counted: Deltas
    condition: WorkerState
    leaving: bool = False
    refusals: tuple[Refusal, ...] = ()


class CounterDeltas:
    """Computes the increase of counters between calls of `take`."""

    def __init__(self, counters: Counters, clients: ClientDeltas) -> None:
        """`clients` are those of the counters."""
        self._counters = counters
        self._clients = clients
        self._numbers: Counter[str] = Counter()
        self._messages: Counter[str] = Counter()
        self._late: Counter[str] = Counter()
        self._histograms = dict.fromkeys(HISTOGRAMS, HistogramDelta((), 0.0))

    def take(self) -> Deltas:
        """The increase since the last call."""
        counters = self._counters
        numbers = Counter({name: getattr(counters, name) for name in NUMBERS})
        messages = Counter({str(outcome): count for outcome, count in counters.messages.items()})
        late = Counter(counters.late)
        requests, refusals = self._clients.take()
        counted = Deltas(
            dict(numbers - self._numbers),
            dict(messages - self._messages),
            dict(late - self._late),
            {name: self._increase(name, getattr(counters, name)) for name in HISTOGRAMS},
            dict(requests),
            dict(refusals),
        )
        self._numbers, self._messages, self._late = numbers, messages, late
        return counted

    def _increase(self, name: str, histogram: Histogram) -> HistogramDelta:
        now, before = HistogramDelta(histogram.buckets(), histogram.sum_seconds), self._histograms[name]
        self._histograms[name] = now
        return HistogramDelta(
            histogram_difference(now.buckets, before.buckets), now.sum_seconds - before.sum_seconds
        )


def add(counters: Counters, counted: Deltas) -> None:
    """Add the counts of another process."""
    for name, more in counted.numbers.items():
        setattr(counters, name, getattr(counters, name) + more)
    for outcome, more in counted.messages.items():
        counters.messages[Outcome(outcome)] += more
    counters.late.update(counted.late)
    for name, durations in counted.histograms.items():
        getattr(counters, name).add_all(durations.buckets, durations.sum_seconds)
    counters.clients.add(counted.requests, counted.refusals)
