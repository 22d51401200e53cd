"""config_drift: nodes enforce different limits."""

from collections import Counter
from dataclasses import fields

from gateway.contract.policy_table import PolicyTable
from subject.cluster.node import Node
from subject.cluster.snapshot import Snapshot
from subject.figures import clock
from subject.finding import CLUSTER, Evidence, Finding, Target, command, confidence
from subject.thresholds import Thresholds

NAMED = 3
"""So many nodes, and so many fields that differ, are named."""


def config_drift(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """By the digests of what nodes that are up enforce. What is changed live holds on all, and is in none."""
    digests = Counter(node.entry.policy_digest for node in snapshot.up)
    if len(digests) < 2:
        return []
    # Between equals the one that was there first is the usual one.
    usual = max(digests, key=lambda digest: (digests[digest], -_first_change(snapshot, digest)))
    most = [node for node in snapshot.up if node.entry.policy_digest == usual]
    others = [node for node in snapshot.up if node.entry.policy_digest != usual]
    since = max(min(map(_changed_at, most)), min(map(_changed_at, others)))  # when the first two differed
    if snapshot.at - since < thresholds.drift_seconds:
        return []
    return [_finding(snapshot, thresholds, others=others, usual=usual, tables=len(digests), since=since)]


def _changed_at(node: Node) -> float:
    """Since when it enforces what it does: its start, or its last reload. One that failed changed nothing,
    and when the one before it was is not told."""
    reloads = node.last.reloads
    return max(node.last.started_at, 0.0 if reloads.problem else reloads.at or 0.0)


def _first_change(snapshot: Snapshot, digest: str) -> float:
    return min(_changed_at(node) for node in snapshot.up if node.entry.policy_digest == digest)


def _finding(
    snapshot: Snapshot, thresholds: Thresholds, *, others: list[Node], usual: str, tables: int, since: float
) -> Finding:
    up = len(snapshot.up)
    names = ", ".join(node.id for node in others[:NAMED]) + (", …" if len(others) > NAMED else "")
    verb = "enforces" if len(others) == 1 else "enforce"
    different = _differences(snapshot, usual, others[0].entry.policy_digest)
    return Finding(
        code="config_drift",
        severity="warning",
        since=since,
        at=snapshot.at,
        subject=Target("node", others[0].id) if len(others) == 1 < up - 1 else CLUSTER,
        summary=(
            f"{names} {verb} other limits than {up - len(others)} of {up} nodes since {clock(since)}"
            + (f": {different}" if different else "")
        ),
        evidence=(
            Evidence("policy_tables", 1, tables, "tables"),
            Evidence("nodes_apart", None, len(others), "nodes"),
            Evidence("nodes_up", snapshot.expected_up, up, "nodes"),
        ),
        confidence=confidence((snapshot.at - since) / thresholds.drift_seconds, snapshot.at - since),
        suggested_action=command("curl", "-s", f"{others[0].admin_url}/state"),
        verify_with="subject diagnose",
    )


def _differences(snapshot: Snapshot, usual: str, other: str) -> str:
    """What differs, as far as both tables were published."""
    tables = snapshot.policies.tables
    if usual not in tables or other not in tables:
        return ""
    one, two = tables[usual], tables[other]
    names = [item.name for item in fields(PolicyTable) if getattr(one, item.name) != getattr(two, item.name)]
    if names == ["default"]:
        return f"default {two.default} instead of {one.default}"
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
