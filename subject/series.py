"""From cumulative records to what happened between them.

A node's records of one boot become `Sample`s, one for each pair of neighbours. Nodes publish at different
moments of a second, and a record can be lost; so what is counted over whole seconds is each sample's count
spread evenly over the time between its two records.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor

from gateway.contract import histogram
from gateway.contract.telemetry import ClientCount, TelemetryRecord, Totals


@dataclass(frozen=True, slots=True)
class Sample:
    """What one node did in (start, end], seconds since 1970."""

    start: float
    end: float
    totals: Totals
    decisions: int  # by Redis
    fallbacks: int  # without it
    store_connected: bool
    latency: histogram.Buckets
    store_latency: histogram.Buckets
    cpu_seconds: float
    requests_by_client: Mapping[str, int]  # at least so many, of the busiest clients
    refused_by_client: Mapping[str, int]


def samples(records: Iterable[TelemetryRecord]) -> tuple[Sample, ...]:
    """The samples of one node, in order of time. A boot's first record starts its differences anew."""
    by_boot = sorted(records, key=lambda record: (record.boot_id, record.sequence, record.at))
    found: list[Sample] = []
    for _, boot in groupby(by_boot, key=lambda record: record.boot_id):
        found.extend(_of_boot(list(boot)))
    return tuple(sorted(found, key=lambda sample: sample.end))


def _of_boot(records: Sequence[TelemetryRecord]) -> list[Sample]:
    found: list[Sample] = []
    earlier: TelemetryRecord | None = None
    for record in records:
        if earlier is None:
            if record.sequence == 1 and record.started_at < record.at:
                found.append(_since_boot(record))
        elif record.at <= earlier.at:
            continue
        else:
            found.append(_between(earlier, record))
        earlier = record
    return found


def _since_boot(record: TelemetryRecord) -> Sample:
    return Sample(
        record.started_at,
        record.at,
        record.boot,
        record.store.decisions,
        record.store.fallbacks,
        record.store.connected,
        record.latency,
        record.store_latency,
        record.cpu_seconds,
        gains((), record.busiest),
        gains((), record.most_refused),
    )


def _between(earlier: TelemetryRecord, later: TelemetryRecord) -> Sample:
    return Sample(
        earlier.at,
        later.at,
        later.boot - earlier.boot,
        later.store.decisions - earlier.store.decisions,
        later.store.fallbacks - earlier.store.fallbacks,
        later.store.connected,
        histogram.difference(later.latency, earlier.latency),
        histogram.difference(later.store_latency, earlier.store_latency),
        later.cpu_seconds - earlier.cpu_seconds,
        gains(earlier.busiest, later.busiest),
        gains(earlier.most_refused, later.most_refused),
    )


def gains(earlier: Sequence[ClientCount], later: Sequence[ClientCount]) -> dict[str, int]:
    """How much each client of the later list added at least.

    Units less error is what was counted since a client was last taken into the sketch; the same error means
    that it was not taken in again. A client that the earlier list does not have is new if that list was not
    full; otherwise it may have been there unlisted with any count, and its gain starts with the next record.
    """
    before = {entry.client: entry for entry in earlier}
    was_full = bool(earlier) and len(later) <= len(earlier)
    found: dict[str, int] = {}
    for entry in later:
        known = before.get(entry.client)
        if known is not None and known.error == entry.error:
            gain = entry.units - known.units
        elif known is None and was_full:
            gain = 0
        else:
            gain = entry.units - entry.error
        if gain > 0:
            found[entry.client] = gain
    return found


def counted(of: Iterable[Sample], value: Callable[[Sample], float], start: float, end: float) -> float:
    """The sum of `value` over (start, end]."""
    return sum(value(sample) * _overlap(sample, start, end) / (sample.end - sample.start) for sample in of)


def covered_seconds(of: Iterable[Sample], start: float, end: float) -> float:
    """How much of (start, end] the samples cover."""
    return sum(_overlap(sample, start, end) for sample in of)


def per_second(of: Iterable[Sample], value: Callable[[Sample], float], first: int, until: int) -> list[float]:
    """`value` by whole second, from second `first` to the one before `until`."""
    seconds = [0.0] * max(0, until - first)
    for sample in of:
        amount = value(sample)
        if amount:
            for second in range(max(first, floor(sample.start)), min(until, ceil(sample.end))):
                share = _overlap(sample, second, second + 1) / (sample.end - sample.start)
                seconds[second - first] += amount * share
    return seconds


def by_client(
    of: Iterable[Sample], field: Callable[[Sample], Mapping[str, int]], start: float, end: float
) -> dict[str, float]:
    """Each client's sum over (start, end], as far as it was among the listed ones."""
    sums: dict[str, float] = {}
    for sample in of:
        part = _overlap(sample, start, end) / (sample.end - sample.start)
        if part:
            for client, units in field(sample).items():
                sums[client] = sums.get(client, 0.0) + units * part
    return sums


def ended_within(of: Iterable[Sample], start: float, end: float) -> list[Sample]:
    """The samples whose record came in (start, end]: histograms cannot be cut, so a sample counts whole."""
    return [sample for sample in of if start < sample.end <= end]


def _overlap(sample: Sample, start: float, end: float) -> float:
    return max(0.0, min(sample.end, end) - max(sample.start, start))
