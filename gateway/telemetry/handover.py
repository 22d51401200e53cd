"""What one of several processes of a node tells the one that speaks for the node: what it counted since."""

from collections import Counter
from dataclasses import dataclass

from gateway.contract.histogram import Buckets, difference
from gateway.contract.refusal import Refusal
from gateway.contract.telemetry import LiveChanges, Reloads
from gateway.telemetry.clients import ClientDeltas
from gateway.telemetry.counters import HISTOGRAMS, NUMBERS, Counters, Histogram, Outcome

INTERVAL_SECONDS = 0.25
"""How often; what a process that is killed has counted since its last hand-over is lost."""


@dataclass(frozen=True, slots=True)
class Durations:
    """What a histogram has more than before."""

    buckets: Buckets
    sum_seconds: float


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted since the last hand-over, by the names in `Counters`."""

    numbers: dict[str, int]
    messages: dict[str, int]  # by outcome
    late: dict[str, int]
    histograms: dict[str, Durations]
    requests: dict[str, int]  # by client
    refusals: dict[str, int]


@dataclass(frozen=True, slots=True)
class Condition:
    """How the process is now; `redis_ahead_seconds` is None where it does not know Redis' time.

    That is how far Redis' clock is ahead of the monotonic one, which all processes of a machine share.
    """

    gauges: dict[str, int]
    store_connected: bool
    store_trouble: str
    redis_ahead_seconds: float | None
    overrides: LiveChanges
    reloads: Reloads
    policy_digest: str
    loop_lag_seconds: float  # the longest since the last hand-over
    cpu_seconds: float  # since its start
    rss_bytes: int
    tasks: int
    lost_log_lines: int  # since its start


@dataclass(frozen=True, slots=True)
class Handover:
    """One message, with the last requests that were refused since the one before.

    The process is `leaving` where it accepts no more connections.
    """

    counted: Counted
    condition: Condition
    leaving: bool = False
    refusals: tuple[Refusal, ...] = ()


class Untold:
    """Takes from counters what has been counted since it last did."""

    def __init__(self, counters: Counters, clients: ClientDeltas) -> None:
        """`clients` are those of the counters."""
        self._counters = counters
        self._clients = clients
        self._numbers: Counter[str] = Counter()
        self._messages: Counter[str] = Counter()
        self._late: Counter[str] = Counter()
        self._histograms = dict.fromkeys(HISTOGRAMS, Durations((), 0.0))

    def take(self) -> Counted:
        """All of it; it counts as told."""
        counters = self._counters
        numbers = Counter({name: getattr(counters, name) for name in NUMBERS})
        messages = Counter({str(outcome): count for outcome, count in counters.messages.items()})
        late = Counter(counters.late)
        requests, refusals = self._clients.take()
        counted = Counted(
            dict(numbers - self._numbers),
            dict(messages - self._messages),
            dict(late - self._late),
            {name: self._more(name, getattr(counters, name)) for name in HISTOGRAMS},
            dict(requests),
            dict(refusals),
        )
        self._numbers, self._messages, self._late = numbers, messages, late
        return counted

    def _more(self, name: str, histogram: Histogram) -> Durations:
        now, told = Durations(histogram.buckets(), histogram.sum_seconds), self._histograms[name]
        self._histograms[name] = now
        return Durations(difference(now.buckets, told.buckets), now.sum_seconds - told.sum_seconds)


def add(counters: Counters, counted: Counted) -> None:
    """Count what another process has."""
    for name, more in counted.numbers.items():
        setattr(counters, name, getattr(counters, name) + more)
    for outcome, more in counted.messages.items():
        counters.messages[Outcome(outcome)] += more
    counters.late.update(counted.late)
    for name, durations in counted.histograms.items():
        getattr(counters, name).add_all(durations.buckets, durations.sum_seconds)
    counters.clients.add(counted.requests, counted.refusals)
