"""store_slow: Redis answers the nodes, but later than usual."""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from statistics import median

from gateway.contract import sketches
from subject.cluster import series
from subject.cluster.node import Node
from subject.cluster.samples import Sample
from subject.cluster.snapshot import Snapshot
from subject.detectors import onset, slowness
from subject.detectors.slowness import Before, Waited, allowed_ms
from subject.detectors.usual import Usual
from subject.figures import clock
from subject.finding import CLUSTER, Evidence, Finding, confidence
from subject.thresholds import Thresholds

STILL_NODES = 1 / 3
"""The part of the nodes of which it goes on, once most were slow: there is no part of one node of three."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """One percentile of the round trips beside what it usually is, in milliseconds."""

    now: float
    usual: float | None
    limit: float

    @property
    def margin(self) -> float:
        return self.now / self.limit


@dataclass(frozen=True, slots=True)
class _Judged:
    """A node's seconds up to one of its records."""

    start: float
    at: float
    p50: _Measured
    p99: _Measured
    shows: bool  # this record has slow round trips
    slow: bool

    @property
    def worst(self) -> _Measured:
        return max(self.p50, self.p99, key=lambda measured: measured.margin)


def store_slow(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Slow on most of the nodes that are up and ask Redis at all."""
    if not _may_be_slow(snapshot, thresholds):
        return []
    known = [_before(snapshot, node, thresholds) for node in snapshot.up]
    judged = [_judge(node, of_node, thresholds) for node, of_node in zip(snapshot.up, known, strict=True)]
    ends = [[row.at for row in rows] for rows in judged]

    def latest(at: float) -> list[tuple[int, int]]:
        """Of the nodes that asked Redis lately, which and the place of its row."""
        lately = at - thresholds.store_slow_seconds - 1
        rows = [(node, bisect_right(of_node, at) - 1) for node, of_node in enumerate(ends)]
        return [(node, row) for node, row in rows if row >= 0 and ends[node][row] > lately]

    # Places are seconds, of which the last one ends now.
    def held(place: int, part: float) -> bool:
        asking = latest(snapshot.at - (last - place))
        slow = sum(judged[node][row].slow for node, row in asking)
        return slow > len(asking) / 2 if part == 1 else slow > 0 and slow >= STILL_NODES * len(asking)

    last = int(snapshot.at - snapshot.first_second)
    if onset.raised(last, 0, held, thresholds.clear_ratio) is None:
        return []
    asking = latest(snapshot.at)
    slow = [(node, judged[node][: row + 1]) for node, row in asking if judged[node][row].slow]
    since = sorted(_since(rows, known[node], thresholds) for node, rows in slow)
    now = [rows[-1] for _, rows in slow]
    return [_finding(snapshot, now, len(asking), since[(len(since) - 1) // 2])]


def _may_be_slow(snapshot: Snapshot, thresholds: Thresholds) -> bool:
    """Whether round trips are not plainly quick on enough nodes: it spares the rest where they are."""
    least_ms = thresholds.clear_ratio * thresholds.store_slow_ms
    tails = []
    for node in snapshot.up:
        recent = series.ended_within(node.samples, node.last.at - thresholds.store_slow_seconds, node.last.at)
        trips = sketches.histogram_sum(sample.store_latency for sample in recent)
        tails.append(sketches.quantile_seconds(trips, 0.99))
    quick = sum(tail is not None and 1000 * tail <= least_ms for tail in tails)
    return quick <= len(tails) * (1 - STILL_NODES)


def _finding(snapshot: Snapshot, slow: list[_Judged], asking: int, since: float) -> Finding:
    p50, p99 = _middle([row.p50 for row in slow]), _middle([row.p99 for row in slow])
    margin = median(row.worst.margin for row in slow)
    trip_ms = 1000 * (snapshot.redis.round_trip_seconds or 0.0)
    from_here = f"; from here a round trip takes {trip_ms:.1f} ms" if snapshot.redis.connected else ""
    return Finding(
        code="store_slow",
        severity="warning",
        since=since,
        at=snapshot.at,
        subject=CLUSTER,
        summary=(
            f"{len(slow)} of {asking} nodes wait {_beside(p50)} for Redis in the median and "
            f"{_beside(p99)} in the slowest hundredth since {clock(since)}{from_here}"
        ),
        evidence=(
            Evidence("store_p50", _rounded(p50.usual), _rounded(p50.now), "ms"),
            Evidence("store_p50_allowed", None, _rounded(p50.limit), "ms"),
            Evidence("store_p99", _rounded(p99.usual), _rounded(p99.now), "ms"),
            Evidence("store_p99_allowed", None, _rounded(p99.limit), "ms"),
            Evidence("nodes_slow", asking // 2, len(slow), "nodes"),
            Evidence("round_trip_from_subject", None, _rounded(trip_ms), "ms"),
        ),
        confidence=confidence(margin, snapshot.at - since),
        suggested_action="subject status",
        verify_with="subject nodes",
    )


def _middle(of: list[_Measured]) -> _Measured:
    return sorted(of, key=lambda measured: measured.now)[len(of) // 2]


def _beside(measured: _Measured) -> str:
    usual = "" if measured.usual is None else f" instead of {measured.usual:.1f}"
    return f"{measured.now:.0f}{usual} ms"


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 2)


def _before(snapshot: Snapshot, node: Node, thresholds: Thresholds) -> Before:
    first = node.samples[0].start if node.samples else snapshot.at
    waited = []
    for step in snapshot.steps:
        of_node = step.latencies.get(node.id)
        if of_node is not None and (trips := of_node.store_latency.percentiles_ms) is not None:
            waited.append(Waited(step.start, trips, 1000 * of_node.loop_lag_seconds))
    return slowness.before(first, waited, thresholds.store_slow_ms, thresholds.store_slow_ratio, thresholds)


def _judge(node: Node, before: Before, thresholds: Thresholds) -> list[_Judged]:
    """Each of a node's records by the round trips of the seconds before it.

    The usual is the median of the percentiles that were not themselves slow; until it is known, that of
    before these records, and where nothing is known of that, what is never slow. The median of the round
    trips is judged beside their 99th percentile: on a busy machine the latter is usually high, and hides a
    store that has become slow for every request. By as much as the node's own event loop is late a reply is
    read late: that is not the store's.
    """
    recent: deque[Sample] = deque()
    usual_p50, usual_p99 = Usual(thresholds.baseline_seconds), Usual(thresholds.baseline_seconds)
    judged: list[_Judged] = []
    for sample in node.samples:
        recent.append(sample)
        while recent[0].end <= sample.end - thresholds.store_slow_seconds:
            recent.popleft()
        for usual in (usual_p50, usual_p99):
            usual.forget(sample.end)
        trips = sketches.histogram_sum(one.store_latency for one in recent)
        p50, p99 = (sketches.quantile_seconds(trips, q) for q in (0.5, 0.99))
        if p50 is None or p99 is None:
            continue
        late = [one.loop_lag_seconds for one in recent]
        median_now = _measured(p50, usual_p50, before.usual(0), median(late), thresholds)
        tail_now = _measured(p99, usual_p99, before.usual(1), max(late), thresholds)
        worst = max(median_now, tail_now, key=lambda measured: measured.margin)
        limit = worst.limit
        part = thresholds.clear_ratio if judged and judged[-1].slow else 1.0
        slow = worst.margin > part and _is_state(recent, limit, thresholds, part)
        judged.append(
            _Judged(
                start=sample.start,
                at=sample.end,
                p50=median_now,
                p99=tail_now,
                shows=_shows(sample, limit),
                slow=slow,
            )
        )
        if not slow:
            usual_p50.learn(sample.end, median_now.now)
            usual_p99.learn(sample.end, tail_now.now)
    return judged


def _measured(
    seconds: float, past: Usual, before: float | None, late_seconds: float, thresholds: Thresholds
) -> _Measured:
    usual = past.median if len(past) >= thresholds.baseline_min_seconds else before
    allowed = allowed_ms(usual, thresholds.store_slow_ms, thresholds.store_slow_ratio)
    return _Measured(1000 * seconds, usual, allowed + 1000 * late_seconds)


def _is_state(recent: deque[Sample], limit_ms: float, thresholds: Thresholds, part: float) -> bool:
    """Whether Redis decides, and slow round trips show in enough seconds: one stall is no slow store."""
    showing = sum(sample.end - sample.start for sample in recent if _shows(sample, part * limit_ms))
    decisions = sum(sample.decisions for sample in recent)
    return decisions > 0 and onset.enough(showing, thresholds.store_slow_min_seconds, part)


def _shows(sample: Sample, limit_ms: float) -> bool:
    return 1000 * sketches.longest_seconds(sample.store_latency) > limit_ms


def _since(rows: list[_Judged], before: Before, thresholds: Thresholds) -> float:
    """Where the run of slow rows began, and before that the run of records that show it by themselves."""
    start = rows[onset.run(len(rows) - 1, lambda place: rows[place].slow or rows[place].shows)].start
    return before.began(rows[0].start, start, thresholds.store_slow_seconds)
