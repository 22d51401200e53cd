"""store_evicting: Redis throws keys away to make room, and the counters are what it throws away."""

from subject.cluster import series
from subject.cluster.snapshot import Snapshot
from subject.detectors import onset
from subject.figures import clock
from subject.finding import CLUSTER, Evidence, Finding, confidence
from subject.thresholds import Thresholds


def store_evicting(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """By what nodes were told: each tells of the same Redis, so they are not summed up."""
    rows = [
        series.per_second(node.samples, lambda sample: sample.evicted, snapshot.first_second, snapshot.until)
        for node in snapshot.up
    ]
    seconds = [max(told) for told in zip(*rows, strict=True)]
    window = thresholds.store_evicting_seconds
    longer = round(window / thresholds.clear_ratio)
    in_window, in_longer = onset.Sums(seconds, window), onset.Sums(seconds, longer)

    # There is no part of one key: what was found goes on for a longer window instead.
    def held(last: int, part: float) -> bool:
        keys = in_window(last) if part == 1 else in_longer(last)
        return onset.enough(keys, thresholds.store_evicting_keys, 1.0)

    last = len(seconds) - 1
    began = onset.since(
        last,
        first=0,
        held=held,
        shows=lambda second: seconds[second] > 0,
        window=window,
        part=thresholds.clear_ratio,
    )
    if began is None:
        return []
    told_seconds = window if held(last, 1.0) else longer
    # A key is a whole one, and a second may hold only a part of it yet.
    keys = max(1, round(sum(seconds[max(0, last + 1 - told_seconds) :])))
    return [_finding(snapshot, thresholds, snapshot.first_second + began, keys, told_seconds)]


def _finding(snapshot: Snapshot, thresholds: Thresholds, since: int, keys: int, seconds: int) -> Finding:
    redis = snapshot.redis
    full = round(redis.used_bytes / redis.maximum_bytes, 3) if redis.maximum_bytes else None
    return Finding(
        code="store_evicting",
        severity="critical",
        since=since,
        at=snapshot.at,
        subject=CLUSTER,
        summary=(
            f"Redis evicts keys since {clock(since)}, {keys:,} in {seconds} s: a client whose counter goes "
            "may have its limit twice"
        ),
        evidence=(
            Evidence("evicted_keys", thresholds.store_evicting_keys, keys, f"keys in {seconds} s"),
            Evidence("memory_used", 1.0, full, "ratio"),
        ),
        confidence=confidence(keys / thresholds.store_evicting_keys, snapshot.until - since),
        suggested_action='redis-cli -u "$REDIS_URL" INFO memory',
        verify_with="subject status",
    )
