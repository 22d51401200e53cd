"""store_down: nobody decides by Redis, or the subject cannot reach it."""

from subject.cluster import series
from subject.cluster.node import Node
from subject.cluster.samples import Sample
from subject.cluster.snapshot import Snapshot
from subject.detectors import onset
from subject.figures import clock
from subject.finding import CLUSTER, Evidence, Finding, Severity
from subject.thresholds import Thresholds

CONFIRMED, UNCONFIRMED, CONTRADICTED = 0.95, 0.8, 0.6
"""Confidence: nodes say the same; the nodes that answer cannot tell; nodes say that they reach it."""

YOUNG_SECONDS = 5.0
WINDOWS = (1, 2, 5)
"""So many times the seconds that are asked: a node with little to decide takes longer to show it."""


def store_down(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Told apart from dead nodes by asking them: a node that answers at /state is not down, its store is."""
    if not snapshot.sees:
        return []
    without = [node for node in snapshot.up if _without_store(node, thresholds)]
    all_without = bool(snapshot.up) and len(without) == len(snapshot.up)
    if not snapshot.redis.connected:
        return [_unreachable(snapshot, without, all_without)]
    if all_without:
        return [_unused(snapshot)]
    return [_of_others(snapshot)] if _is_of_others(snapshot) else []


def _is_of_others(snapshot: Snapshot) -> bool:
    """Whether Redis answers here, and nodes that answer as well decide by one, but none has written to this
    for as long as is remembered: it is another than theirs. One that has just started has had no time to."""
    return bool(snapshot.up) and all(
        node.answered
        and node.last.store.connected
        and not node.samples
        and snapshot.at - node.last.started_at > YOUNG_SECONDS
        for node in snapshot.up
    )


def _of_others(snapshot: Snapshot) -> Finding:
    up = len(snapshot.up)
    nodes = "the node that answers has not" if up == 1 else f"none of the {up} nodes that answer has"
    return _finding(
        snapshot,
        severity="critical",
        since=snapshot.at,
        summary=(
            f"Redis at {snapshot.redis.place} answers the subject, but {nodes} written to it: it is not the "
            "one that they count in, and nothing can be judged by it"
        ),
        sure=CONFIRMED,
        without=0,
    )


def _without_store(node: Node, thresholds: Thresholds) -> bool:
    """Whether this node has not decided by Redis for as long as is asked; or has not long enough, and most
    of its decisions since then were not by Redis either."""
    start = node.last.at - thresholds.store_down_seconds + 0.5
    connected = any(sample.store_connected for sample in node.samples if sample.end > start)
    if not node.last.store.connected and (node.answered or not connected):
        return True

    def held(place: int, part: float) -> bool:
        return any(
            _undecided(node, place, part, windows * thresholds.store_down_seconds, thresholds)
            for windows in WINDOWS
        )

    return onset.raised(len(node.samples) - 1, 0, held, thresholds.clear_ratio) is not None


def _undecided(node: Node, place: int, part: float, seconds: float, thresholds: Thresholds) -> bool:
    end = node.samples[place].end
    recent = series.last_seconds(node.samples, place, seconds)
    fallbacks = series.counted(recent, lambda sample: sample.fallbacks, end - seconds, end)
    decisions = series.counted(recent, lambda sample: sample.decisions, end - seconds, end)
    total = fallbacks + decisions
    return onset.enough(fallbacks, thresholds.store_down_fallbacks, part) and decisions <= (1 - part) * total


def _unreachable(snapshot: Snapshot, without: list[Node], all_without: bool) -> Finding:
    redis, up = snapshot.redis, snapshot.up
    since = snapshot.at if redis.answered_at is None else redis.answered_at
    when = "" if redis.answered_at is None else f" since {clock(since)}"
    severity: Severity = "critical"
    if all_without:
        nodes = (
            f"the {len(up)} nodes that answer decide without it"
            if len(up) > 1
            else f"so {up[0].id} decides alone"
        )
        sure = CONFIRMED
    elif without:
        nodes = f"{len(without)} of {len(up)} nodes decide without it"
        sure = UNCONFIRMED
    else:
        nodes = "the nodes still decide by it"
        severity, sure = "warning", CONTRADICTED
    verb = "refuses" if redis.refuses else "does not answer"
    return _finding(
        snapshot,
        severity=severity,
        since=since,
        summary=f"Redis at {redis.place} {verb} the subject{when}; {nodes}",
        sure=sure,
        without=len(without),
    )


def _unused(snapshot: Snapshot) -> Finding:
    # Since the last decision of any node: no run of one node's records.
    decided = [sample.end for node in snapshot.up for sample in node.samples if _decided(sample)]
    since = max(decided, default=float(snapshot.first_second))
    trip_ms = 1000 * (snapshot.redis.round_trip_seconds or 0.0)
    return _finding(
        snapshot,
        severity="critical",
        since=since,
        summary=f"No node decides by Redis since {clock(since)}, though it answers here in {trip_ms:.1f} ms",
        sure=CONFIRMED,
        without=len(snapshot.up),
    )


def _decided(sample: Sample) -> bool:
    return sample.decisions > 0 and (sample.store_connected or not sample.fallbacks)


def _finding(
    snapshot: Snapshot,
    *,
    severity: Severity,
    since: float,
    summary: str,
    sure: float,
    without: int,
) -> Finding:
    return Finding(
        code="store_down",
        severity=severity,
        since=since,
        at=snapshot.at,
        subject=CLUSTER,
        summary=summary,
        evidence=(
            Evidence("redis_answers_subject", 1, int(snapshot.redis.connected), "boolean"),
            Evidence("nodes_without_redis", 0, without, "nodes"),
            Evidence("nodes_up", snapshot.expected_up, len(snapshot.up), "nodes"),
        ),
        confidence=sure,
        suggested_action="subject nodes",
        verify_with="subject status",
    )
