"""fallback_active: nodes decide without Redis."""

from dataclasses import dataclass

from subject.detectors import onset
from subject.detectors.thresholds import Thresholds
from subject.finding import CLUSTER, Evidence, Finding, Target, clock, command, confidence, number, percent
from subject.series import Sample, counted
from subject.snapshot import Node, Snapshot, told_by

EFFECTS = {
    "local": "by its own share of each limit, so that limits hold only roughly",
    "open": "letting all of them pass",
    "closed": "answering 503",
}


@dataclass(frozen=True, slots=True)
class _Fallback:
    node: Node
    fallbacks: float  # in the window
    decisions: float  # by Redis
    since: float

    @property
    def ratio(self) -> float:
        return self.fallbacks / (self.fallbacks + self.decisions)


def fallback_active(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Each node by itself, up to its own last record; one finding where it is all of several nodes."""
    found = [one for node in snapshot.up if (one := _of_node(thresholds, node)) is not None]
    if 1 < len(found) == len(snapshot.up):
        return [_finding(snapshot, thresholds, found)]
    return [_finding(snapshot, thresholds, [one]) for one in found]


def _of_node(thresholds: Thresholds, node: Node) -> _Fallback | None:
    end = node.last.at
    start = end - thresholds.fallback_seconds
    fallbacks = counted(node.samples, lambda sample: sample.fallbacks, start, end)
    decisions = counted(node.samples, lambda sample: sample.decisions, start, end)
    if round(fallbacks) < thresholds.fallback_least:
        return None
    decisions = max(0.0, decisions)  # of a record that is none
    if fallbacks <= thresholds.fallback_ratio * (fallbacks + decisions):
        return None
    # One late reply is no state of affairs: it must show in as many of the window's seconds as are asked.
    showing = sum(sample.end - max(start, sample.start) for sample in node.samples if _shows(sample, start))
    if showing < thresholds.fallback_min_seconds - 0.5:
        return None
    # One record without fallbacks does not end their run.
    last = len(node.samples) - 1
    began = onset.run(last, lambda place: node.samples[place].fallbacks > 0, gap=1)
    return _Fallback(node, fallbacks, decisions, node.samples[began].start)


def _shows(sample: Sample, start: float) -> bool:
    return sample.fallbacks > 0 and sample.end > start


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
    effect = "" if table is None else f", {EFFECTS.get(table.on_store_failure, table.on_store_failure)}"
    return Finding(
        code="fallback_active",
        severity="warning",
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
        likely_cause=told_by(one.node for one in found)
        or (
            f"Redis does not answer {node.id if alone else 'them'} within the deadline: the way there, "
            "or the load of what runs beside it"
        ),
        suggested_action=command("curl", "-s", f"http://{node.entry.admin_address}/state"),
        verify_with="subject nodes",
    )
