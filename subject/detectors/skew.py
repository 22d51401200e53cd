"""node_skew: one node serves far more than its share."""

from dataclasses import dataclass

from subject.cluster import metrics, series
from subject.cluster.node import Node
from subject.cluster.snapshot import Snapshot
from subject.cluster.steps import STEP_SECONDS
from subject.detectors import onset
from subject.detectors.chi_square import chance_if_even
from subject.figures import clock, number, percent
from subject.finding import Evidence, Finding, Target, command, confidence
from subject.thresholds import Thresholds

GRACE_SECONDS = 10
"""A load balancer that looks after a node every few seconds sends to it within this time."""


@dataclass(frozen=True, slots=True)
class _Skew:
    busiest: int  # position
    rates: tuple[float, ...]  # of the nodes, requests per second
    chance: float
    margin: float  # over the ratio from which it counts

    @property
    def share(self) -> float:
        return self.rates[self.busiest] / sum(self.rates)


class _Rows:
    """The nodes' requests by second, and how uneven they are."""

    def __init__(self, rows: list[list[float]], thresholds: Thresholds) -> None:
        self.rows = rows
        self._thresholds = thresholds
        self._sums = {
            seconds: [onset.Sums(row, seconds) for row in rows]
            for seconds in (thresholds.skew_seconds, thresholds.skew_quick_seconds)
        }

    def counts(self, last: int) -> list[list[float]]:
        """In each window that ends with this second."""
        return [[sums(last) for sums in of_nodes] for of_nodes in self._sums.values()]

    def margin(self, node: int, counts: list[float]) -> float:
        """How far over the ratio from which it counts."""
        return counts[node] * len(counts) / sum(counts) / self.least(1.0)

    def rates(self, start: int, last: int) -> tuple[float, ...]:
        """Requests a second since then."""
        return tuple(sum(row[start : last + 1]) / (last + 1 - start) for row in self.rows)

    def least(self, part: float) -> float:
        """The rate over the mean from which it counts; of two nodes a share of 1/2 is even."""
        if len(self.rows) == 2:
            return 2 * onset.lowered(self._thresholds.skew_two_node_share, 0.5, part)
        return onset.lowered(self._thresholds.skew_ratio, 1.0, part)

    def held(self, node: int, last: int, part: float) -> bool:
        return any(
            counts[node] > self.least(part) * sum(counts) / len(counts) > 0
            and self._shows_often(node, last, seconds, part)
            # The chance has no part: so much of its exponent.
            and chance_if_even(counts) < self._thresholds.skew_p**part
            for seconds, counts in zip(self._sums, self.counts(last), strict=True)
        )

    def _shows_often(self, node: int, last: int, seconds: int, part: float) -> bool:
        """Nodes cut their seconds at different moments, so one second in which traffic begins shows none."""
        window = range(max(0, last + 1 - seconds), last + 1)
        showing = sum(self.shows(node, second, part) for second in window)
        return onset.enough(showing, self._thresholds.skew_min_seconds, part)

    def shows(self, node: int, second: int, part: float = 1.0) -> bool:
        counts = [row[second] for row in self.rows]
        return counts[node] > self.least(part) * sum(counts) / len(counts) > 0


def node_skew(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Judged among the nodes that are up and have reported the whole window, so that a node which died or
    has just come back does not make the others' shares look odd."""
    until, window = snapshot.until, thresholds.skew_seconds
    nodes = [node for node in snapshot.up if _is_compared(node, snapshot, window)]
    if len(nodes) < 2:
        return []
    rows = _Rows([snapshot.requests_by_node[node.id] for node in nodes], thresholds)
    # Of a window with only a part of a node's second the shares are not what they seem.
    first = max(0, *(_first_second(node) - snapshot.first_second for node in nodes)) + window - 1
    last = until - 1 - snapshot.first_second
    began = {
        node: start
        for node in range(len(nodes))
        if (start := _began(rows, node, first, last, thresholds)) is not None
    }
    if not began:
        return []
    since = {
        node: _by_steps(snapshot, nodes, node, rows, snapshot.first_second + start)
        if start <= first
        else snapshot.first_second + start
        for node, start in began.items()
    }
    # The one that was found first, so that of two that are about as busy it is always the same.
    busiest = min(began, key=lambda node: (since[node], -sum(rows.rows[node][-window:])))
    # The shares are those since it began, not mixed with the even ones of before.
    rates = rows.rates(max(began[busiest], last + 1 - window), last)
    if sum(rates) <= 0:  # nothing has come since
        rates = rows.rates(max(0, last + 1 - window), last)
    counts = max(filter(sum, rows.counts(last)), key=lambda counts: rows.margin(busiest, counts))
    skew = _Skew(busiest, rates, chance_if_even(counts), rows.margin(busiest, counts))
    return [_finding(snapshot, thresholds, nodes, skew, since[busiest])]


def _began(rows: _Rows, node: int, first: int, last: int, thresholds: Thresholds) -> int | None:
    return onset.since(
        last,
        first=first,
        held=lambda second, part: rows.held(node, second, part),
        shows=lambda second: rows.shows(node, second),
        window=thresholds.skew_seconds,
        part=thresholds.clear_ratio,
    )


def _by_steps(snapshot: Snapshot, nodes: list[Node], node: int, rows: _Rows, since: int) -> int:
    """Of a skew in which the seconds begin: by the steps before them, back over those that show it."""
    for step in reversed(snapshot.steps):
        if step.end > since:
            continue
        by_node = step.requests_by_node
        counts = [by_node[other.id] for other in nodes if other.id in by_node]
        even = sum(counts) / max(1, len(counts))
        if step.end <= since - STEP_SECONDS or by_node.get(nodes[node].id, 0.0) <= rows.least(1.0) * even:
            break
        since = step.start
    return since


def _is_compared(node: Node, snapshot: Snapshot, window: int) -> bool:
    """Not one that has just been started, while others serve: it gets its share only when the load balancer
    has seen it."""
    until = snapshot.until
    if not _covers(node, until - window, until):
        return False
    newest = node.boots[-1].first_at
    came_later = newest > snapshot.first_second + window
    return not came_later or newest <= until - window - GRACE_SECONDS


def _covers(node: Node, start: int, end: int) -> bool:
    return series.covered_seconds(node.samples, start, end) >= end - start - 0.01


def _first_second(node: Node) -> int:
    return int(node.samples[0].start) + 1


def _finding(
    snapshot: Snapshot, thresholds: Thresholds, nodes: list[Node], skew: _Skew, since: int
) -> Finding:
    busiest = nodes[skew.busiest]
    idlest = nodes[min(range(len(nodes)), key=skew.rates.__getitem__)]
    rate, total = skew.rates[skew.busiest], sum(skew.rates)
    even = total / len(nodes)
    cpu = metrics.of_node(snapshot, busiest).cpu_percent
    counts_apart = metrics.of_cluster(snapshot).fallback_ratio > thresholds.fallback_ratio
    limits = (
        "limits hold only roughly, since nodes decide without Redis"
        if counts_apart
        else "the limits hold, since all nodes count together"
    )
    return Finding(
        code="node_skew",
        severity="warning",
        since=since,
        at=snapshot.at,
        subject=Target("node", busiest.id),
        summary=(
            f"{busiest.id} serves {percent(skew.share)} of the requests ({number(rate)} of {number(total)} "
            f"a second; an even share is {number(even)}) since {clock(since)}; {limits}, and "
            f"{busiest.id}'s CPU is at {cpu:.0f} %"
        ),
        evidence=(
            Evidence("node_rate", round(even, 2), round(rate, 2), "requests/s"),
            Evidence("node_share", round(1 / len(nodes), 3), round(skew.share, 3), "ratio"),
            Evidence("chance_if_even", thresholds.skew_p, skew.chance, "probability"),
            Evidence("node_cpu", None, round(cpu, 1), "percent"),
        ),
        confidence=confidence(skew.margin, snapshot.until - since),
        suggested_action=command("curl", "-s", f"{idlest.admin_url}/readyz"),
        verify_with="subject nodes",
    )
