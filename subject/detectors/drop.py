"""traffic_drop: much less comes than usual, to the cluster or to one of its nodes."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from subject import series
from subject.detectors import rates
from subject.detectors.thresholds import Thresholds
from subject.finding import CLUSTER, Evidence, Finding, Target, clock, command, confidence, number, percent
from subject.snapshot import Node, Snapshot

LONGER = 2
"""Times the longest such pause of before: what comes in bursts has pauses, and those are no drop."""


@dataclass(frozen=True, slots=True)
class _Drop:
    """Rates are per second."""

    since: int
    usual: float
    rate: float
    margin: float

    @property
    def ratio(self) -> float:
        return self.rate / self.usual


def traffic_drop(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Of the cluster; where that has its usual traffic, of each node that is up and serves."""
    requests = snapshot.cluster_seconds(lambda sample: sample.totals.requests)
    of_cluster = _drop(requests, snapshot.first_second, thresholds)
    if of_cluster is not None:
        return [_of_cluster(snapshot, thresholds, of_cluster)] if snapshot.up else []
    return [
        _of_node(snapshot, thresholds, node, drop)
        for node in snapshot.up
        if len(snapshot.up) > 1 and (drop := _node_drop(snapshot, thresholds, node)) is not None
    ]


def _node_drop(snapshot: Snapshot, thresholds: Thresholds, node: Node) -> _Drop | None:
    """One that has just been started gets its share only when the load balancer has seen it."""
    if not node.samples or not node.boots:
        return None
    newest = node.boots[-1].first_at
    if snapshot.until - newest < thresholds.baseline_min_seconds + thresholds.drop_seconds:
        return None
    first = max(snapshot.first_second, int(newest) + 1)
    counts = series.per_second(node.samples, lambda sample: sample.totals.requests, first, snapshot.until)
    return _drop(counts, first, thresholds)


def _drop(counts: Sequence[float], first: int, thresholds: Thresholds) -> _Drop | None:
    """The run of low seconds at the end: below a part of the median of those before that were neither low,
    idle nor a spike."""
    remembered: deque[tuple[int, float]] = deque()
    pauses: deque[tuple[int, int]] = deque()  # when each ended, and how long it was
    usual, run = 0.0, 0
    for second, (rate, judged) in enumerate(zip(counts, rates.judge(counts, thresholds), strict=True)):
        for memory in (remembered, pauses):
            while memory and memory[0][0] < second - thresholds.baseline_seconds:
                memory.popleft()
        if not run:
            known = len(remembered) >= thresholds.baseline_min_seconds
            usual = median(past for _, past in remembered) if known else 0.0
        if rate == 0 or rate < thresholds.drop_ratio * usual:
            run += 1
            continue
        if run:
            pauses.append((second, run))
            run = 0
        if judged.teaches:
            remembered.append((second, rate))
    longest = max((length for _, length in pauses), default=0)
    if not max(thresholds.drop_seconds, LONGER * longest + 1) <= run <= thresholds.baseline_seconds:
        return None
    if usual < thresholds.drop_least_rate:
        return None
    rate = sum(counts[-run:]) / run
    allowed = thresholds.drop_ratio * usual
    return _Drop(first + len(counts) - run, usual, rate, allowed / max(rate, allowed / 20))


def _of_cluster(snapshot: Snapshot, thresholds: Thresholds, drop: _Drop) -> Finding:
    return Finding(
        code="traffic_drop",
        severity="warning",
        since=drop.since,
        at=snapshot.at,
        subject=CLUSTER,
        summary=(
            f"The cluster gets {number(drop.rate)} requests a second instead of {number(drop.usual)} since "
            f"{clock(drop.since)}, and {len(snapshot.up)} of {snapshot.expected_up} nodes are up"
        ),
        evidence=(
            Evidence("cluster_rate", round(drop.usual, 2), round(drop.rate, 2), "requests/s"),
            Evidence("part_of_usual", thresholds.drop_ratio, round(drop.ratio, 3), "ratio"),
        ),
        confidence=confidence(drop.margin, snapshot.until - drop.since),
        likely_cause=(
            "what is before the nodes: the load balancer, DNS, the network, or a big client that stopped"
        ),
        suggested_action="subject nodes",
        verify_with="subject status",
    )


def _of_node(snapshot: Snapshot, thresholds: Thresholds, node: Node, drop: _Drop) -> Finding:
    return Finding(
        code="traffic_drop",
        severity="warning",
        since=drop.since,
        at=snapshot.at,
        subject=Target("node", node.id),
        summary=(
            f"{node.id} gets {number(drop.rate)} requests a second instead of {number(drop.usual)} since "
            f"{clock(drop.since)}, {percent(drop.ratio)} of its usual, though it is up and did not leave"
        ),
        evidence=(
            Evidence("node_rate_before", None, round(drop.usual, 2), "requests/s"),
            Evidence("node_rate_now", None, round(drop.rate, 2), "requests/s"),
            Evidence("part_of_usual", thresholds.drop_ratio, round(drop.ratio, 3), "ratio"),
        ),
        confidence=confidence(drop.margin, snapshot.until - drop.since),
        likely_cause=(
            "the load balancer took it out (its check of /readyz fails, or does not reach it), or prefers "
            "others"
        ),
        suggested_action=command("curl", "-s", f"http://{node.entry.admin_address}/readyz"),
        verify_with="subject nodes",
    )
