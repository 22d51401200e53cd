"""What the cluster did before the seconds that are judged, in steps of ten: by what nodes keep for hours."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil, floor

from gateway.contract import sketches
from gateway.contract.records import HISTORY_STREAM, ClientCount, TelemetryRecord, UpstreamTotals
from gateway.contract.sketches import Buckets
from subject.cluster.answers import asked, failed
from subject.cluster.present_time import JUMP_SECONDS

STEP_SECONDS = int(HISTORY_STREAM.interval_seconds)
LATE_SECONDS = STEP_SECONDS + 2
"""After so long all nodes have told of a step."""
FIRST_SECONDS = 1.5 * STEP_SECONDS
"""A boot's first record of the history comes within this time; what it counts began with the boot."""


@dataclass(frozen=True)  # without slots, for what is cached
class Gain:
    """What a cumulative histogram gained; of most steps nobody asks, so it is reckoned for whoever does."""

    later: Buckets = ()
    earlier: Buckets = ()

    @cached_property
    def buckets(self) -> Buckets:
        """The gain as a histogram."""
        return sketches.histogram_difference(self.later, self.earlier)

    @cached_property
    def percentiles_ms(self) -> tuple[float, float] | None:
        """The median and the 99th percentile; None where nothing was measured."""
        median, p99 = (sketches.quantile_seconds(self.buckets, q) for q in (0.5, 0.99))
        return None if median is None or p99 is None else (1000 * median, 1000 * p99)

    @property
    def reckoned(self) -> "Gain":
        """The same in less room."""
        return Gain(self.buckets)

    def and_then(self, later: "Gain") -> "Gain":
        """Both together."""
        if self.later is later.earlier:
            return Gain(later.later, self.earlier)
        return Gain(sketches.histogram_sum((self.buckets, later.buckets)))


@dataclass(frozen=True, slots=True)
class Latencies:
    """What one node waited for, and what it asked of the upstream. Histograms cannot be cut, so this is of
    whole records: of those of which the middle lies in the step. `loop_lag_seconds` is of a single second."""

    asked: int
    failed: int
    upstream_latency: Gain
    store_latency: Gain
    loop_lag_seconds: float

    @property
    def reckoned(self) -> "Latencies":
        """The same in less room."""
        return replace(
            self,
            upstream_latency=self.upstream_latency.reckoned,
            store_latency=self.store_latency.reckoned,
        )

    def and_then(self, later: "Latencies") -> "Latencies":
        """Both together."""
        return Latencies(
            self.asked + later.asked,
            self.failed + later.failed,
            self.upstream_latency.and_then(later.upstream_latency),
            self.store_latency.and_then(later.store_latency),
            max(self.loop_lag_seconds, later.loop_lag_seconds),
        )


@dataclass(slots=True)  # not frozen: `Steps` adds to it, until all of it has come
class Step:
    """Sums of all nodes over ten seconds from `start` on; `clients`: requests of those that nodes listed.

    `refused` are requests over limits, or of who is denied. The last three are not in recordings of earlier
    versions; two of them are by node.
    """

    start: int
    requests: float
    new_clients: float
    clients: dict[str, float]
    requests_by_node: dict[str, float] = field(default_factory=dict)
    latencies: dict[str, Latencies] = field(default_factory=dict)
    refused: float = 0.0

    @property
    def end(self) -> int:
        """The second after its last one."""
        return self.start + STEP_SECONDS

    @property
    def reckoned(self) -> "Step":
        """The same in less room."""
        return replace(self, latencies={node_id: of.reckoned for node_id, of in self.latencies.items()})


class Steps:
    """Adds records of the history up, and keeps the sums only."""

    def __init__(self) -> None:
        self._last: dict[str, TelemetryRecord] = {}
        self._steps: dict[int, Step] = {}  # by their starts

    def add(self, records: Iterable[TelemetryRecord]) -> None:
        """What came since; each boot's records in their order."""
        for record in records:
            earlier = self._last.get(record.node_id)
            self._last[record.node_id] = record
            if earlier is not None and record.at < earlier.at - JUMP_SECONDS:
                self._forget_from(record.at)
            if earlier is not None and earlier.boot_id == record.boot_id:
                if _goes_on(earlier, record):
                    self._spread(earlier, record)
            elif 0 < record.at - record.started_at <= FIRST_SECONDS:
                self._spread(None, record)

    def kept(self, first: float, last: float) -> tuple[Step, ...]:
        """Those that lie between these times, of which all has come; what is older is forgotten."""
        self._steps = {start: step for start, step in self._steps.items() if start >= first}
        self._last = {node_id: record for node_id, record in self._last.items() if record.at >= first}
        return tuple(step for _, step in sorted(self._steps.items()) if step.end <= last - LATE_SECONDS)

    def _forget_from(self, at: float) -> None:
        """Redis' clock was put back to this time: what was told of later ones is told of again."""
        self._steps = {start: step for start, step in self._steps.items() if step.end <= at}

    def _spread(self, earlier: TelemetryRecord | None, record: TelemetryRecord) -> None:
        """Evenly over the time from one record to the next, or from the boot to its first."""
        start = record.started_at if earlier is None else earlier.at
        node_id = record.node_id
        requests = record.boot.requests - (0 if earlier is None else earlier.boot.requests)
        refused = record.boot.refused - (0 if earlier is None else earlier.boot.refused)
        new_clients = record.new_clients - (0 if earlier is None else earlier.new_clients)
        gains = _gains(() if earlier is None else earlier.busiest, record.busiest)
        for number in range(floor(start / STEP_SECONDS), ceil(record.at / STEP_SECONDS)):
            step = self._step(number)
            part = (min(record.at, step.end) - max(start, step.start)) / (record.at - start)
            step.requests += requests * part
            step.refused += refused * part
            step.new_clients += new_clients * part
            by_node = step.requests_by_node
            by_node[node_id] = by_node.get(node_id, 0.0) + requests * part
            for client, gain in gains.items():
                step.clients[client] = step.clients.get(client, 0.0) + gain * part
        of_middle = self._step(floor((start + record.at) / 2 / STEP_SECONDS)).latencies
        latencies, known = _latencies(earlier, record), of_middle.get(node_id)
        of_middle[node_id] = latencies if known is None else known.and_then(latencies)

    def _step(self, number: int) -> Step:
        start = number * STEP_SECONDS
        return self._steps.setdefault(start, Step(start, 0.0, 0.0, {}))


def _goes_on(earlier: TelemetryRecord, record: TelemetryRecord) -> bool:
    """Whether the clock went on between them, and the counts did."""
    return (
        earlier.at < record.at <= earlier.at + HISTORY_STREAM.seconds
        and abs(record.started_at - earlier.started_at) <= JUMP_SECONDS
        and record.boot.requests >= earlier.boot.requests
        and record.new_clients >= earlier.new_clients
    )


def _latencies(earlier: TelemetryRecord | None, record: TelemetryRecord) -> Latencies:
    later = record.upstream
    before = UpstreamTotals() if earlier is None else earlier.upstream
    return Latencies(
        asked(later) - asked(before),
        failed(later) - failed(before),
        Gain(record.upstream_latency, () if earlier is None else earlier.upstream_latency),
        Gain(record.store_latency, () if earlier is None else earlier.store_latency),
        record.loop_lag_seconds,
    )


def _gains(earlier: Iterable[ClientCount], later: Iterable[ClientCount]) -> dict[str, int]:
    """Of those that both list, without having left the sketch in between."""
    before = {(entry.client, entry.error): entry.units for entry in earlier}
    return {
        entry.client: entry.units - before[entry.client, entry.error]
        for entry in later
        if (entry.client, entry.error) in before
    }
