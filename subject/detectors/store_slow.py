"""store_slow: Redis answers the nodes, but later than usual."""

from collections import deque
from dataclasses import dataclass
from statistics import median

from gateway.contract import histogram
from subject.detectors.thresholds import Thresholds
from subject.finding import CLUSTER, Evidence, Finding, clock, confidence
from subject.series import Sample
from subject.snapshot import Node, Snapshot


@dataclass(frozen=True, slots=True)
class _Judged:
    start: float
    at: float
    p99_ms: float
    usual_ms: float | None
    limit_ms: float
    shows: bool  # this record has slow round trips
    slow: bool


def store_slow(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Slow on most of the nodes that are up and ask Redis at all."""
    judged = {node.id: _judge(node, thresholds) for node in snapshot.up}
    asking = {
        node_id: rows
        for node_id, rows in judged.items()
        if rows and rows[-1].at > snapshot.at - thresholds.store_slow_seconds - 1
    }
    slow = {node_id: rows for node_id, rows in asking.items() if rows[-1].slow}
    if 2 * len(slow) <= len(asking):
        return []
    since = sorted(_since(rows) for rows in slow.values())[(len(slow) - 1) // 2]
    now = [rows[-1] for rows in slow.values()]
    p99_ms = median(row.p99_ms for row in now)
    limit_ms = median(row.limit_ms for row in now)
    usual = [row.usual_ms for row in now if row.usual_ms is not None]
    usual_ms = median(usual) if usual else None
    before = "" if usual_ms is None else f" instead of {usual_ms:.1f}"
    trip_ms = 1000 * (snapshot.redis.round_trip_seconds or 0.0)
    from_here = f"; from here a round trip takes {trip_ms:.1f} ms" if snapshot.redis.connected else ""
    return [
        Finding(
            code="store_slow",
            severity="warning",
            since=since,
            at=snapshot.at,
            subject=CLUSTER,
            summary=(
                f"Redis takes {p99_ms:.0f} ms{before} for the slowest hundredth of round trips on "
                f"{len(slow)} of {len(asking)} nodes since {clock(since)}{from_here}"
            ),
            evidence=(
                Evidence(
                    "store_p99", None if usual_ms is None else round(usual_ms, 2), round(p99_ms, 2), "ms"
                ),
                Evidence("store_p99_allowed", None, round(limit_ms, 2), "ms"),
                Evidence("nodes_slow", len(asking) // 2, len(slow), "nodes"),
                Evidence("round_trip_from_subject", None, round(trip_ms, 2), "ms"),
            ),
            confidence=confidence(p99_ms / limit_ms, snapshot.at - since),
            likely_cause=(
                "Redis is loaded (slow commands, swapping, a fork for saving)"
                if trip_ms > limit_ms / 2
                else "the network between the nodes and Redis, since Redis answers the subject quickly"
            ),
            suggested_action="subject status",
            verify_with="subject nodes",
        )
    ]


def _judge(node: Node, thresholds: Thresholds) -> list[_Judged]:
    """Each of a node's records by the round trips of the seconds before it.

    The usual is the median of the percentiles that were not themselves slow; until it is known, what is
    never slow stands for it.
    """
    recent: deque[Sample] = deque()
    usual: deque[tuple[float, float]] = deque()
    judged: list[_Judged] = []
    for sample in node.samples:
        recent.append(sample)
        while recent[0].end <= sample.end - thresholds.store_slow_seconds:
            recent.popleft()
        while usual and usual[0][0] < sample.end - thresholds.baseline_seconds:
            usual.popleft()
        p99 = histogram.quantile_seconds(histogram.total(one.store_latency for one in recent), 0.99)
        if p99 is None:
            continue
        known = median(ms for _, ms in usual) if len(usual) >= thresholds.baseline_min_seconds else None
        limit_ms = max(
            thresholds.store_slow_ms, thresholds.store_slow_ratio * (known or thresholds.store_slow_ms)
        )
        showing = [one for one in recent if _shows(one, limit_ms)]
        slow = 1000 * p99 > limit_ms and _decides_by_redis(recent) and _lasts(showing, thresholds)
        shows = _shows(sample, limit_ms)
        judged.append(_Judged(sample.start, sample.end, 1000 * p99, known, limit_ms, shows, slow))
        if not slow:
            usual.append((sample.end, 1000 * p99))
    return judged


def _decides_by_redis(recent: deque[Sample]) -> bool:
    return sum(sample.decisions for sample in recent) > 0


def _shows(sample: Sample, limit_ms: float) -> bool:
    return any(1000 * histogram.upper_bound_seconds(number) > limit_ms for number, _ in sample.store_latency)


def _lasts(showing: list[Sample], thresholds: Thresholds) -> bool:
    """Whether slow round trips show in enough seconds: one stall is no slow store."""
    return sum(sample.end - sample.start for sample in showing) >= thresholds.store_slow_min_seconds - 0.5


def _since(rows: list[_Judged]) -> float:
    """Where the run of slow rows began, and before that the run of records that show it by themselves."""
    place = len(rows) - 1
    while place > 0 and (rows[place - 1].slow or rows[place - 1].shows):
        place -= 1
    return rows[place].start
