"""From cumulative records to what happened between them.

A node's records of one boot become `Sample`s, one for each pair of neighbours.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import groupby

from gateway.contract import sketches
from gateway.contract.records import (
    INTERVAL_SECONDS,
    ClientCount,
    StoreStatus,
    TelemetryRecord,
    Totals,
    UpstreamTotals,
)
from gateway.contract.sketches import Buckets
from subject.cluster.gains import gains

LONGEST_START_SECONDS = 5.0
MOST_CLIENTS = 4000
"""That were ever listed, until a boot's samples are made anew by the records that are there."""


@dataclass(frozen=True)  # without slots, for what is cached
class Sample:
    """What one node did in (start, end], seconds since 1970: between two records."""

    earlier: TelemetryRecord
    later: TelemetryRecord
    boot_id: str
    start: float
    end: float
    totals: Totals
    decisions: int  # by Redis
    fallbacks: int  # without it
    store_connected: bool
    upstream: UpstreamTotals
    cpu_seconds: float
    requests_by_client: Mapping[str, int]  # of the busiest clients, see `gains`
    refused_by_client: Mapping[str, int]
    new_clients: int  # whom the node saw for the first time
    evicted: int  # keys by Redis, as far as it told this node
    clients: tuple[str, ...]  # the sketch at the end, see `gateway.contract.sketches`
    clock_skew_seconds: float  # of its wall clock to Redis', at the end
    loop_lag_seconds: float  # the longest that its event loop was late

    # Nobody asks for most of these, and all of them took a tenth of a command's time.

    @cached_property
    def latency(self) -> Buckets:
        """Of whole requests that were forwarded."""
        return _difference(self.later.latency, self.earlier.latency)

    @cached_property
    def upstream_latency(self) -> Buckets:
        """From the request's head sent to the answer's head."""
        return _difference(self.later.upstream_latency, self.earlier.upstream_latency)

    @cached_property
    def store_latency(self) -> Buckets:
        """Round trips to Redis."""
        return _difference(self.later.store_latency, self.earlier.store_latency)


def made_of(records: Iterable[TelemetryRecord]) -> tuple[Sample, ...]:
    """The samples of one node, in order of time. A boot's first record starts its differences anew.

    The records are in present time, see `in_present_time`.
    """
    return Remembered()(records)


class Remembered:
    """`made_of` for one who looks again and again: of records that were there before nothing is made anew."""

    def __init__(self) -> None:
        self._boots: dict[str, dict[str, _Boot]] = {}  # by node and boot

    def __call__(self, records: Iterable[TelemetryRecord]) -> tuple[Sample, ...]:
        """The samples of one node."""
        in_order = sorted(records, key=lambda record: (record.boot_id, record.sequence, record.at))
        if not in_order:
            return ()
        known = self._boots.get(in_order[0].node_id, {})
        boots: dict[str, _Boot] = {}
        for boot_id, group in groupby(in_order, key=lambda record: record.boot_id):
            of_it = list(group)
            boot = known.get(boot_id)
            boots[boot_id] = boot if boot is not None and boot.goes_on_with(of_it) else _Boot(of_it)
        self._boots[in_order[0].node_id] = boots
        found = (sample for boot in boots.values() for sample in boot.samples)
        return tuple(sorted(found, key=lambda sample: sample.end))


class _Boot:
    """The records of one boot, and what happened between them."""

    def __init__(self, records: Sequence[TelemetryRecord]) -> None:
        self.samples: list[Sample] = []
        self._records: list[TelemetryRecord] = []
        self._busiest: dict[str, ClientCount] = {}
        self._most_refused: dict[str, ClientCount] = {}
        self._earlier = _origin(records[0])
        self._add_all(records)

    def goes_on_with(self, records: Sequence[TelemetryRecord]) -> bool:
        """Take what is new, and leave out what has gone. It does not go on if any but the last are new."""
        if len(self._busiest) + len(self._most_refused) > MOST_CLIENTS:
            return False
        gone = next((place for place, one in enumerate(self._records) if one is records[0]), None)
        if gone is None:
            return False
        kept = self._records[gone:]
        if len(kept) > len(records) or any(
            one is not other for one, other in zip(kept, records, strict=False)
        ):
            return False
        if gone:
            self._records = kept
            self.samples = [sample for sample in self.samples if sample.end > records[0].at]
        self._add_all(records[len(kept) :])
        return True

    def _add_all(self, records: Sequence[TelemetryRecord]) -> None:
        for record in records:
            self._records.append(record)
            if self._earlier is not None:
                if record.at <= self._earlier.at:
                    continue
                self.samples.append(_between(self._earlier, record, self._busiest, self._most_refused))
            self._busiest |= {entry.client: entry for entry in record.busiest}
            self._most_refused |= {entry.client: entry for entry in record.most_refused}
            self._earlier = record


def _origin(first: TelemetryRecord) -> TelemetryRecord | None:
    """The boot itself as a record of nothing, where `first` is its first one.

    A node's own clock says when it started, and may be wrong; the first record comes soon after.
    """
    if first.sequence != 1:
        return None
    plausible = 0 < first.at - first.started_at <= LONGEST_START_SECONDS
    return replace(
        first,
        at=first.started_at if plausible else first.at - INTERVAL_SECONDS,
        boot=Totals(),
        store=StoreStatus(connected=first.store.connected, evicted=first.store.evicted),
        upstream=UpstreamTotals(),
        latency=(),
        upstream_latency=(),
        store_latency=(),
        cpu_seconds=0.0,
        busiest=(),
        most_refused=(),
        new_clients=0,
    )


def _between(
    earlier: TelemetryRecord,
    later: TelemetryRecord,
    busiest: Mapping[str, ClientCount],
    most_refused: Mapping[str, ClientCount],
) -> Sample:
    totals = later.boot - earlier.boot
    return Sample(
        earlier=earlier,
        later=later,
        boot_id=later.boot_id,
        start=earlier.at,
        end=later.at,
        totals=totals,
        decisions=later.store.decisions - earlier.store.decisions,
        fallbacks=later.store.fallbacks - earlier.store.fallbacks,
        store_connected=later.store.connected,
        upstream=later.upstream - earlier.upstream,
        cpu_seconds=later.cpu_seconds - earlier.cpu_seconds,
        requests_by_client=gains(busiest, earlier.busiest, later.busiest, totals.requests),
        refused_by_client=gains(most_refused, earlier.most_refused, later.most_refused, totals.refused),
        new_clients=later.new_clients - earlier.new_clients,
        evicted=_more(earlier.store.evicted, later.store.evicted),
        clients=later.clients,
        clock_skew_seconds=later.clock_skew_seconds,
        loop_lag_seconds=later.loop_lag_seconds,
    )


def _difference(later: Buckets, earlier: Buckets) -> Buckets:
    return tuple([_pair(number, count) for number, count in sketches.histogram_difference(later, earlier)])


@lru_cache(maxsize=16_384)
def _pair(number: int, count: int) -> tuple[int, int]:
    """Equal ones are the same: of two minutes of thirty nodes there are 250,000, mostly of small counts."""
    return number, count


def _more(earlier: int | None, later: int | None) -> int:
    """A count of Redis' own: smaller after its restart, unknown before it is told."""
    return 0 if earlier is None or later is None else max(0, later - earlier)
