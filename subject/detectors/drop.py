"""traffic_drop: much less comes than usual, to the cluster or to one of its nodes."""

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from statistics import median

from subject.cluster.node import Node
from subject.cluster.snapshot import Snapshot
from subject.cluster.steps import STEP_SECONDS, Step
from subject.detectors import onset, opening, rates
from subject.detectors.usual import Usual
from subject.figures import clock, number, percent
from subject.finding import CLUSTER, Evidence, Finding, Target, command, confidence
from subject.thresholds import Thresholds

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
    taught = rates.taught_by(rates.opening_spike(snapshot, thresholds))
    is_start = rates.is_start(snapshot)
    of_cluster = _drop(snapshot.requests, snapshot.first_second, thresholds, taught, is_start=is_start)
    of_cluster = of_cluster or _lasting_drop(
        snapshot.steps, lambda step: step.requests, snapshot.requests, thresholds
    )
    if of_cluster is not None and _was_mostly_refused(snapshot, thresholds, of_cluster):
        return []
    if of_cluster is not None:
        return [_of_cluster(snapshot, thresholds, of_cluster)] if snapshot.up else []
    return [
        _of_node(snapshot, thresholds, node, drop)
        for node in snapshot.up
        if len(snapshot.up) > 1 and (drop := _node_drop(snapshot, thresholds, node)) is not None
    ]


def _was_mostly_refused(snapshot: Snapshot, thresholds: Thresholds, drop: _Drop) -> bool:
    """Whether what comes now is no drop of what was let through before, by the median of usual seconds: those
    who have stopped were over their limits, and what is behind the nodes hardly heard of them."""
    low = thresholds.drop_ratio * drop.usual
    let_through = [
        requests - refused
        for requests, refused in _before(snapshot, thresholds, drop.since)
        if requests > low
    ]
    return bool(let_through) and (
        drop.rate * thresholds.clear_ratio >= thresholds.drop_ratio * median(let_through)
    )


def _before(snapshot: Snapshot, thresholds: Thresholds, since: int) -> list[tuple[float, float]]:
    """Requests and refused ones a second, by seconds before; where none of these are kept, by steps."""
    refused = snapshot.cluster_seconds(lambda sample: sample.totals.refused)
    seconds = list(zip(snapshot.requests, refused, strict=True))[: max(0, since - snapshot.first_second)]
    return seconds[-thresholds.baseline_seconds :] or [
        (step.requests / STEP_SECONDS, step.refused / STEP_SECONDS)
        for step in snapshot.steps
        if step.end <= since
    ]


def _lasting_drop(
    steps: Sequence[Step], value: Callable[[Step], float], seconds: Sequence[float], thresholds: Thresholds
) -> _Drop | None:
    """Of which the seconds that are kept show no beginning: by steps of before, and low to this second."""
    steps = opening.without_gaps(steps)
    counts = seconds[-thresholds.drop_seconds :]
    if len(steps) <= opening.LEAST_STEPS or not counts:
        return None
    rates_before = [value(step) / STEP_SECONDS for step in steps]
    drop = _drop(rates_before, 0, opening.in_steps(thresholds, len(steps)))
    rate = sum(counts) / len(counts)
    if drop is None or rate * thresholds.clear_ratio >= thresholds.drop_ratio * drop.usual:
        return None
    return replace(drop, since=steps[drop.since].start, rate=rate)


def _node_drop(snapshot: Snapshot, thresholds: Thresholds, node: Node) -> _Drop | None:
    """One that has just been started gets its share only when the load balancer has seen it; and where
    nodes are added, a node's share becomes smaller in order."""
    if not node.samples or not node.boots:
        return None
    newest = node.boots[-1].first_at
    if snapshot.until - newest < thresholds.baseline_min_seconds + thresholds.drop_seconds:
        return None
    first = max(snapshot.first_second, int(newest) + 1)
    counts = snapshot.requests_by_node[node.id][first - snapshot.first_second :]
    drop = _drop(counts, first, thresholds) if _may_have_dropped(counts, thresholds) else None
    if drop is None:
        return _lasting_node_drop(snapshot, thresholds, node, counts)
    return drop if _is_far_below_even(snapshot, thresholds, drop.rate, drop.since - snapshot.until) else None


def _lasting_node_drop(
    snapshot: Snapshot, thresholds: Thresholds, node: Node, counts: Sequence[float]
) -> _Drop | None:
    rate = sum(counts[-thresholds.drop_seconds :]) / thresholds.drop_seconds
    if not _is_far_below_even(snapshot, thresholds, rate, -len(counts)):
        return None
    served_from = node.last.started_at + thresholds.baseline_min_seconds
    steps = [step for step in snapshot.steps if step.start >= served_from]
    return _lasting_drop(steps, lambda step: step.requests_by_node.get(node.id, 0.0), counts, thresholds)


def _is_far_below_even(snapshot: Snapshot, thresholds: Thresholds, rate: float, place: int) -> bool:
    """By the median from that place on, for the seconds at whose ends the whole cluster was low as well."""
    even = median(snapshot.requests[place:]) / len(snapshot.up)
    return rate < thresholds.drop_ratio / thresholds.clear_ratio * even


def _may_have_dropped(counts: Sequence[float], thresholds: Thresholds) -> bool:
    """Nothing that `_drop` finds is left out: it only spares the rest for nodes that are plainly well."""
    low = thresholds.drop_ratio / thresholds.clear_ratio * max(counts, default=0.0)
    return sum(counts[-thresholds.drop_seconds :]) <= thresholds.drop_seconds * low


@dataclass(frozen=True, slots=True)
class _Pause:
    """A run of low seconds that has ended."""

    end: int
    seconds: int
    found: bool


def _drop(
    counts: Sequence[float],
    first: int,
    thresholds: Thresholds,
    taught: Sequence[float] = (),
    *,
    is_start: bool = True,
) -> _Drop | None:
    """The low seconds at the end: each below a part of the median of those before that were neither low, idle
    nor a spike, until it is a drop, and from then on their mean of as many seconds as it takes."""
    past = Usual(thresholds.baseline_seconds)
    for place, rate in enumerate(taught):
        past.learn(place - len(taught), rate)
    pauses: deque[_Pause] = deque()
    mean_of = onset.Sums([rate / thresholds.drop_seconds for rate in counts], thresholds.drop_seconds)
    usual, run, found = 0.0, 0, False
    for second, (rate, judged) in enumerate(
        zip(counts, rates.judge(counts, thresholds, taught, is_start=is_start), strict=True)
    ):
        past.forget(second)
        while pauses and pauses[0].end < second - thresholds.baseline_seconds:
            pauses.popleft()
        if not run:
            usual = past.median
        low = thresholds.drop_ratio * usual
        if mean_of(second) * thresholds.clear_ratio < low if found else rate < low:
            run += 1
            found = found or (
                run >= _least_run(pauses, thresholds)
                and len(past) >= thresholds.baseline_min_seconds
                and round(usual, 3) >= thresholds.drop_least_rate
            )
            continue
        if run:
            pauses.append(_Pause(second, run, found))
            run, found = 0, False
        if judged.teaches:
            past.learn(second, rate)
    if not found or run > thresholds.baseline_seconds:
        return None
    rate = sum(counts[-run:]) / run
    allowed = thresholds.drop_ratio * usual
    return _Drop(first + len(counts) - run, usual, rate, allowed / max(rate, allowed / 20))


def _least_run(pauses: Collection[_Pause], thresholds: Thresholds) -> int:
    """What has paused before is not missed as soon; one that was a drop counts where there was another."""
    repeated = sum(pause.found for pause in pauses) > 1
    longest = max((pause.seconds for pause in pauses if repeated or not pause.found), default=0)
    return max(thresholds.drop_seconds, LONGER * longest + 1)


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
        suggested_action=command("curl", "-s", f"{node.admin_url}/readyz"),
        verify_with="subject nodes",
    )
