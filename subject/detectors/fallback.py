"""fallback_active: a node decides without Redis."""

from subject.detectors.thresholds import Thresholds
from subject.finding import Evidence, Finding, Target, clock, confidence, number, percent
from subject.series import Sample, counted
from subject.snapshot import Node, Snapshot

EFFECTS = {
    "local": "by its own share of each limit, so that limits hold only roughly",
    "open": "letting all of them pass",
    "closed": "answering 503",
}


def fallback_active(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Each node by itself, up to its own last record."""
    findings = (_of_node(snapshot, thresholds, node) for node in snapshot.up)
    return [found for found in findings if found is not None]


def _of_node(snapshot: Snapshot, thresholds: Thresholds, node: Node) -> Finding | None:
    end = node.last.at
    start = end - thresholds.fallback_seconds
    fallbacks = counted(node.samples, lambda sample: sample.fallbacks, start, end)
    decisions = counted(node.samples, lambda sample: sample.decisions, start, end)
    if not fallbacks or fallbacks <= thresholds.fallback_ratio * (fallbacks + decisions):
        return None
    # One late reply is no state of affairs: it must show in as many of the window's records as are asked.
    showing = sum(sample.end - max(start, sample.start) for sample in node.samples if _shows(sample, start))
    if showing < thresholds.fallback_min_seconds - 0.5:
        return None
    ratio = fallbacks / (fallbacks + decisions)
    since = _since(node)
    table = snapshot.policies.table
    effect = "" if table is None else f", {EFFECTS.get(table.on_store_failure, table.on_store_failure)}"
    return Finding(
        code="fallback_active",
        severity="warning",
        since=since,
        at=snapshot.at,
        subject=Target("node", node.id),
        summary=(
            f"{node.id} makes {percent(ratio)} of its decisions without Redis "
            f"({number(fallbacks / thresholds.fallback_seconds)} a second) since {clock(since)}{effect}"
        ),
        evidence=(
            Evidence("fallback_ratio", thresholds.fallback_ratio, round(ratio, 4), "ratio"),
            Evidence("fallbacks", None, round(fallbacks), f"decisions in {thresholds.fallback_seconds} s"),
            Evidence("by_redis", None, round(decisions), f"decisions in {thresholds.fallback_seconds} s"),
        ),
        confidence=confidence(1 + 4 * ratio, end - since),
        likely_cause=(
            f"Redis does not answer {node.id} within its deadline: the way there, or the node's own load"
        ),
        suggested_action=f"curl -s http://{node.entry.admin_address}/state",
        verify_with="subject nodes",
    )


def _shows(sample: Sample, start: float) -> bool:
    return sample.fallbacks > 0 and sample.end > start


def _since(node: Node) -> float:
    """The start of the run of records with fallbacks; one without does not end it."""
    since, clean = node.last.at, 0
    for sample in reversed(node.samples):
        clean = 0 if sample.fallbacks else clean + 1
        if clean > 1:
            break
        if sample.fallbacks:
            since = sample.start
    return since
