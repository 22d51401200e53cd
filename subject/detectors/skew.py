"""node_skew: one node serves far more than its share."""

from dataclasses import dataclass, replace

from subject import metrics, series
from subject.detectors import onset
from subject.detectors.chi_square import chance_if_even
from subject.detectors.thresholds import Thresholds
from subject.finding import Evidence, Finding, Target, clock, command, confidence, number, percent
from subject.snapshot import Node, Snapshot

NEARLY_ALL = 0.75
"""A share from which the likely cause is that nothing is balanced. Words only: it decides no finding."""


@dataclass(frozen=True, slots=True)
class _Skew:
    busiest: int  # position
    rates: tuple[float, ...]  # of the nodes, requests per second
    chance: float
    margin: float  # over the ratio from which it counts

    @property
    def share(self) -> float:
        return self.rates[self.busiest] / sum(self.rates)


def node_skew(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Judged among the nodes that are up and have reported the whole window, so that a node which died or
    has just come back does not make the others' shares look odd."""
    until, window = snapshot.until, thresholds.skew_seconds
    nodes = [node for node in snapshot.up if _covers(node, until - window, until)]
    rows = [
        series.per_second(node.samples, lambda sample: sample.totals.requests, snapshot.first_second, until)
        for node in nodes
    ]
    last = until - 1 - snapshot.first_second
    now = _skew(rows, last, window, thresholds)
    if now is None:
        return []

    def held(second: int) -> bool:
        earlier = _skew(rows, second, window, thresholds)
        return earlier is not None and earlier.busiest == now.busiest

    def shows(second: int) -> bool:
        counts = [row[second] for row in rows]
        return counts[now.busiest] > thresholds.skew_ratio * sum(counts) / len(counts) > 0

    first = max(0, *(_first_second(node) - snapshot.first_second for node in nodes))
    began = onset.since(last, first, held, shows, window)
    # From here on the shares are those since it began, not mixed with the even ones of before.
    shown = range(max(began, last + 1 - window), last + 1)
    counts = tuple(sum(row[second] for second in shown) / len(shown) for row in rows)
    skew = replace(now, rates=counts)
    return [_finding(snapshot, thresholds, nodes, skew, snapshot.first_second + began)]


def _skew(rows: list[list[float]], last: int, window: int, thresholds: Thresholds) -> _Skew | None:
    if len(rows) < 2 or last < 0:
        return None
    counts = tuple(sum(row[max(0, last + 1 - window) : last + 1]) for row in rows)
    mean = sum(counts) / len(counts)
    if mean <= 0:
        return None
    busiest = max(range(len(counts)), key=counts.__getitem__)
    ratio = counts[busiest] / mean
    least = 2 * thresholds.skew_two_node_share if len(counts) == 2 else thresholds.skew_ratio
    chance = chance_if_even(counts)
    if ratio <= least or chance >= thresholds.skew_p:
        return None
    return _Skew(busiest, tuple(count / window for count in counts), chance, ratio / least)


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
        likely_cause=(
            "the load balancer sends to one node only"
            if skew.share >= NEARLY_ALL
            else "the load balancer prefers one node, or few clients with long-lived connections use it"
        ),
        suggested_action=command("curl", "-s", f"http://{idlest.entry.admin_address}/readyz"),
        verify_with="subject nodes",
    )
