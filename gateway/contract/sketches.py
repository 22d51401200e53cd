"""Mergeable sketches in a node's record: latency histograms and the number of distinct clients."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from math import ceil, log2

# Histograms: eight buckets for each doubling, so that a quantile is exact to within 9 %.

BUCKETS_PER_DOUBLING = 8
FIRST_BOUND_SECONDS = 1e-6
LAST_BUCKET = 320
"""Holds everything above 2**39.9 microseconds, some twelve days."""

Buckets = tuple[tuple[int, int], ...]
"""Pairs of bucket number and count, cumulative since the node's start, in order of their numbers."""

BucketCounts = Sequence[tuple[int, int]]
"""The same pairs in any sequence: an observer parses most of them only on access."""


def bucket(seconds: float) -> int:
    """The number of the bucket that holds a duration; bucket 0 holds everything up to a microsecond."""
    if seconds <= FIRST_BOUND_SECONDS:
        return 0
    return min(int(log2(seconds / FIRST_BOUND_SECONDS) * BUCKETS_PER_DOUBLING) + 1, LAST_BUCKET)


def upper_bound_seconds(number: int) -> float:
    """The longest duration that bucket `number` holds; a number out of range counts as the nearest."""
    return float(FIRST_BOUND_SECONDS * 2 ** (min(max(number, 0), LAST_BUCKET) / BUCKETS_PER_DOUBLING))


def histogram_difference(later: BucketCounts, earlier: BucketCounts) -> Buckets:
    """What was added between two records of one boot."""
    before = dict(earlier)
    # A list: a subject does this four thousand times a poll, and generators cost twice as much.
    return tuple([(number, more) for number, count in later if (more := count - before.get(number, 0)) > 0])


def histogram_sum(histograms: Iterable[BucketCounts]) -> Buckets:
    """Several histograms as one."""
    sums: dict[int, int] = {}
    for histogram in histograms:
        for number, count in histogram:
            sums[number] = sums.get(number, 0) + count
    return histogram_from_counts(sums)


def histogram_from_counts(counts: Mapping[int, int]) -> Buckets:
    """A histogram from its counts by bucket number."""
    return tuple(sorted(counts.items()))


def longest_seconds(histogram: BucketCounts) -> float:
    """The upper bound of the highest bucket in use; 0 for an empty histogram."""
    return upper_bound_seconds(max(histogram)[0]) if histogram else 0.0


def quantile_seconds(histogram: BucketCounts, q: float) -> float | None:
    """The q-quantile (0 < q ≤ 1) as its bucket's upper bound; None for an empty histogram."""
    measured = sum(count for _, count in histogram)
    rank = min(ceil(q * measured), measured)
    seen = 0
    for number, count in histogram:
        seen += count
        if seen >= rank > 0:
            return upper_bound_seconds(number)
    return None


# Distinct clients: the k smallest digests (Bar-Yossef et al. 2002), exact up to k. Sketches of several nodes
# merge by taking the k smallest of their union, so that a client that uses all nodes counts once. With
# k = 64 the standard error is 13 %.

SKETCH_SIZE = 64
_DIGEST_BYTES = 6
_SPACE = 1 << 8 * _DIGEST_BYTES
_BEYOND = "g"  # sorts after all digests
_DIGEST = re.compile(rf"[0-9a-f]{{{2 * _DIGEST_BYTES}}}", re.ASCII)


def client_digest(client_id: str) -> str:
    """A client's entry in the sketch, in hex."""
    return hashlib.blake2b(client_id.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def add_clients(sketch: tuple[str, ...], client_ids: Iterable[str]) -> tuple[str, ...]:
    """The sketch with more clients; usually the same one."""
    largest = sketch[-1] if len(sketch) == SKETCH_SIZE else _BEYOND
    smaller = {entry for entry in map(client_digest, client_ids) if entry < largest}
    return tuple(sorted(smaller.union(sketch))[:SKETCH_SIZE]) if smaller else sketch


def merge_sketches(sketches: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """The sketch of the union, without malformed digests: they would not sort by value."""
    digests = {entry for sketch in sketches for entry in sketch if _DIGEST.fullmatch(entry)}
    return tuple(sorted(digests)[:SKETCH_SIZE])


def estimate_clients(sketch: tuple[str, ...]) -> int:
    """The number of distinct clients in a sketch from `merge_sketches`."""
    if len(sketch) < SKETCH_SIZE:
        return len(sketch)
    return round((SKETCH_SIZE - 1) * _SPACE / max(1, int(sketch[-1], 16)))
