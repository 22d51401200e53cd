"""fallback_active: nodes decide without Redis."""

from dataclasses import dataclass

from subject.cluster import series
from subject.cluster.node import Node
from subject.cluster.snapshot import Snapshot
from subject.detectors import onset
from subject.figures import clock, number, percent
from subject.finding import CLUSTER, Evidence, Finding, Severity, Target, command, confidence
from subject.thresholds import Thresholds

EFFECTS = {
    "local": "by its own share of each limit, so that limits hold only roughly",
    "open": "letting all of them pass",
    "closed": "answering 503",
}

MOSTLY = 0.5
"""The part of decisions from which it is critical where those without Redis are no share of a limit."""


@dataclass(frozen=True, slots=True)
class _Window:
    fallbacks: float
    decisions: float  # by Redis
    showing_seconds: float


@dataclass(frozen=True, slots=True)
class _Fallback:
    node: Node
    now: _Window
    since: float

    @property
    def fallbacks(self) -> float:
        return self.now.fallbacks

    @property
    def decisions(self) -> float:
        return self.now.decisions

    @property
    def ratio(self) -> float:
        return self.fallbacks / (self.fallbacks + self.decisions)


def fallback_active(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Each node by itself, up to its own last record; one finding where it is all of several nodes."""
    found = [one for node in snapshot.up if (one := _of_node(thresholds, node)) is not None]
    if 1 < len(found) == len(snapshot.up):
        return [_finding(snapshot, thresholds, found)]
    return [_finding(snapshot, thresholds, [one]) for one in found]


def _severity(on_store_failure: str, ratio: float) -> Severity:
    """Whether most clients meet no limit at all, or an error."""
    return "critical" if on_store_failure != "local" and ratio >= MOSTLY else "warning"


def _of_node(thresholds: Thresholds, node: Node) -> _Fallback | None:
    last = len(node.samples) - 1

    def held(place: int, part: float) -> bool:
        one = _window(node, place, thresholds)
        # One late reply is no state of affairs: it must show in as many of the window's seconds as are asked.
        return (
            onset.enough(one.fallbacks, thresholds.fallback_least, part)
            and one.fallbacks > part * thresholds.fallback_ratio * (one.fallbacks + one.decisions)
            and onset.enough(one.showing_seconds, thresholds.fallback_min_seconds, part)
        )

    start = onset.raised(last, 0, held, thresholds.clear_ratio)
    if start is None:
        return None
    # One record without fallbacks does not end their run.
    first = max(0, start - thresholds.fallback_seconds)
    began = onset.run(start, lambda place: node.samples[place].fallbacks > 0, first, gap=1)
    return _Fallback(node, _window(node, last, thresholds), node.samples[began].start)


def _window(node: Node, place: int, thresholds: Thresholds) -> _Window:
    """What a node decided in the seconds up to one of its records."""
    recent = series.last_seconds(node.samples, place, thresholds.fallback_seconds)
    end = node.samples[place].end
    start = end - thresholds.fallback_seconds
    return _Window(
        series.counted(recent, lambda sample: sample.fallbacks, start, end),
        max(0.0, series.counted(recent, lambda sample: sample.decisions, start, end)),  # of foreign records
        sum(sample.end - max(start, sample.start) for sample in recent if sample.fallbacks > 0),
    )


def _finding(snapshot: Snapshot, thresholds: Thresholds, found: list[_Fallback]) -> Finding:
    window = thresholds.fallback_seconds
    since = min(one.since for one in found)
    fallbacks, decisions = sum(one.fallbacks for one in found), sum(one.decisions for one in found)
    ratio = fallbacks / (fallbacks + decisions)
    # A ratio of few decisions says little: what is nearest to its threshold counts.
    margin = min(ratio / thresholds.fallback_ratio, fallbacks / thresholds.fallback_least)
    node = max(found, key=lambda one: one.ratio).node
    alone = len(found) == 1
    who, what = (
        (f"{node.id} makes", "its")
        if alone
        else (f"{'Both' if len(found) == 2 else f'All {len(found)}'} nodes make", "their")
    )
    table = snapshot.policies.table
    effect_of = "local" if table is None else table.on_store_failure
    effect = "" if table is None else f", {EFFECTS.get(effect_of, effect_of)}"
    return Finding(
        code="fallback_active",
        severity=_severity(effect_of, ratio),
        since=since,
        at=snapshot.at,
        subject=Target("node", node.id) if alone else CLUSTER,
        summary=(
            f"{who} {percent(ratio)} of {what} decisions without Redis ({number(fallbacks / window)} of "
            f"{number((fallbacks + decisions) / window)} a second) since {clock(since)}"
            f"{effect if alone else effect.replace('its own', 'their own')}"
        ),
        evidence=(
            Evidence("fallback_ratio", thresholds.fallback_ratio, round(ratio, 4), "ratio"),
            Evidence("fallbacks", None, round(fallbacks), f"decisions in {window} s"),
            Evidence("by_redis", None, round(decisions), f"decisions in {window} s"),
        ),
        confidence=confidence(margin, snapshot.at - since),
        suggested_action=command("curl", "-s", f"{node.admin_url}/state"),
        verify_with="subject nodes",
    )
