"""clock_skew: a node's wall clock is not Redis'."""

from dataclasses import dataclass

from subject.cluster.node import Node
from subject.cluster.snapshot import Snapshot
from subject.detectors import onset
from subject.figures import clock
from subject.finding import CLUSTER, Evidence, Finding, Target, command, confidence
from subject.thresholds import Thresholds

TOGETHER_SECONDS = 1.0
"""Nodes that are off by the same, to within this, agree: then it is Redis' clock. Words and whom only."""
SETTLED_SECONDS = 5.0
"""Nodes learn one by one that Redis' clock was set: for so long nobody is named alone."""


@dataclass(frozen=True, slots=True)
class _Skew:
    node: Node
    seconds: float
    since: float
    is_new: bool


def clock_skew(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Each node that is up; where several are, and all are off alike, it is the clock that Redis has."""
    alone = len(snapshot.up) == 1
    skews = [skew for node in snapshot.up if (skew := _of_node(node, thresholds)) is not None]
    apart = max((one.seconds for one in skews), default=0.0) - min(
        (one.seconds for one in skews), default=0.0
    )
    if 1 < len(skews) == len(snapshot.up) and apart <= TOGETHER_SECONDS:
        return [_of_redis(snapshot, thresholds, skews)]
    return [_finding(snapshot, thresholds, skew) for skew in skews if alone or not skew.is_new]


def _of_node(node: Node, thresholds: Thresholds) -> _Skew | None:
    now = node.last.clock_skew_seconds
    earlier = [(one.end, one.clock_skew_seconds) for one in node.samples if one.end < node.last.at]
    told = [*earlier, (node.last.at, now)]

    def held(place: int, part: float) -> bool:
        return abs(told[place][1]) > part * thresholds.clock_skew_seconds

    began = onset.raised(len(told) - 1, 0, held, thresholds.clear_ratio)
    if began is None:
        return None
    since = told[began][0]
    return _Skew(node, now, since, is_new=began > 0 and node.last.at - since < SETTLED_SECONDS)


def _finding(snapshot: Snapshot, thresholds: Thresholds, skew: _Skew) -> Finding:
    node = skew.node
    return Finding(
        code="clock_skew",
        severity="warning",
        since=skew.since,
        at=snapshot.at,
        subject=Target("node", node.id),
        summary=(
            f"{node.id}'s clock is {_told(skew.seconds)} Redis' since {clock(skew.since)}; the limits do not "
            "depend on it, the times in its log and in the Date of its answers do"
        ),
        evidence=_evidence(thresholds, skew.seconds),
        confidence=_confidence(snapshot, thresholds, skew),
        suggested_action=command("curl", "-s", f"{node.admin_url}/state"),
        verify_with="subject diagnose",
    )


def _of_redis(snapshot: Snapshot, thresholds: Thresholds, skews: list[_Skew]) -> Finding:
    middle = sorted(skews, key=lambda one: one.seconds)[len(skews) // 2]
    since = max(one.since for one in skews)
    return Finding(
        code="clock_skew",
        severity="warning",
        since=since,
        at=snapshot.at,
        subject=CLUSTER,
        summary=(
            f"The clocks of all {len(skews)} nodes are {_told(middle.seconds)} Redis' since {clock(since)}, "
            "and agree with each other; the limits do not depend on it, all times that are told here do"
        ),
        evidence=(*_evidence(thresholds, middle.seconds), Evidence("nodes_off", None, len(skews), "nodes")),
        confidence=_confidence(snapshot, thresholds, middle),
        suggested_action='redis-cli -u "$REDIS_URL" TIME',
        verify_with="subject diagnose",
    )


def _evidence(thresholds: Thresholds, seconds: float) -> tuple[Evidence, ...]:
    return (Evidence("clock_skew", thresholds.clock_skew_seconds, round(seconds, 3), "seconds"),)


def _confidence(snapshot: Snapshot, thresholds: Thresholds, skew: _Skew) -> float:
    return confidence(abs(skew.seconds) / thresholds.clock_skew_seconds, snapshot.at - skew.since)


def _told(seconds: float) -> str:
    return f"{abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'}"
