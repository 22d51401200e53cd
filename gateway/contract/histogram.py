"""Latency histograms: eight buckets for each doubling, so that a quantile is read to within 9 %."""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, log2

BUCKETS_PER_DOUBLING = 8
UNIT_SECONDS = 1e-6
LAST_BUCKET = 320
"""Holds everything above 2**39.9 microseconds, some twelve days."""

Buckets = tuple[tuple[int, int], ...]
"""Pairs of bucket number and count, cumulative since the node's start, in order of their numbers."""

Counted = Sequence[tuple[int, int]]
"""The same, in whatever holds it: an observer reads most of them only when it is asked."""


def bucket(seconds: float) -> int:
    """The number of the bucket that holds a duration; everything up to a microsecond is in 0."""
    if seconds <= UNIT_SECONDS:
        return 0
    return min(int(log2(seconds / UNIT_SECONDS) * BUCKETS_PER_DOUBLING) + 1, LAST_BUCKET)


def upper_bound_seconds(number: int) -> float:
    """The longest duration that bucket `number` holds; a number that no bucket has counts as the nearest."""
    return float(UNIT_SECONDS * 2 ** (min(max(number, 0), LAST_BUCKET) / BUCKETS_PER_DOUBLING))


def difference(later: Counted, earlier: Counted) -> Buckets:
    """What was added between two records of one boot."""
    before = dict(earlier)
    # A list: a subject does this four thousand times a look, and generators cost twice as much.
    return tuple([(number, more) for number, count in later if (more := count - before.get(number, 0)) > 0])


def total(histograms: Iterable[Counted]) -> Buckets:
    """Several histograms as one."""
    sums: dict[int, int] = {}
    for histogram in histograms:
        for number, count in histogram:
            sums[number] = sums.get(number, 0) + count
    return from_counts(sums)


def from_counts(counts: Mapping[int, int]) -> Buckets:
    """A histogram from its counts by bucket number."""
    return tuple(sorted(counts.items()))


def longest_seconds(histogram: Counted) -> float:
    """The upper bound of the highest bucket that holds anything; 0 where nothing was measured."""
    return upper_bound_seconds(max(histogram)[0]) if histogram else 0.0


def quantile_seconds(histogram: Counted, q: float) -> float | None:
    """The q-quantile (0 < q ≤ 1) as its bucket's upper bound; None where nothing was measured."""
    measured = sum(count for _, count in histogram)
    rank = min(ceil(q * measured), measured)
    seen = 0
    for number, count in histogram:
        seen += count
        if seen >= rank > 0:
            return upper_bound_seconds(number)
    return None
