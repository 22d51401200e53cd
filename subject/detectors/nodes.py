"""node_down: a node neither writes nor answers."""

from subject.cluster.node import Node
from subject.cluster.snapshot import Snapshot
from subject.figures import clock
from subject.finding import CLUSTER, Evidence, Finding, Target, confidence
from subject.thresholds import Thresholds

ALSO_DOES_NOT_ANSWER = 0.3
"""What is left of the doubt where it does not answer at /state either."""
NOBODY_WRITES = 0.6
ADDRESS_ONLY = 0.6
UNREAD = 0.6
MANY = 20
"""More entries than these that cannot be read are one finding: somebody else writes there."""


def node_down(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Nodes that are Down. Nothing is said where neither Redis nor any node answers: that is the observer."""
    if not snapshot.sees:
        return []
    down = [_of_node(snapshot, thresholds, node) for node in snapshot.nodes if node.state == "Down"]
    if len(snapshot.unread_nodes) > MANY:
        down.append(_of_many_unread(snapshot))
    else:
        down += [_of_unread(snapshot, node_id) for node_id in snapshot.unread_nodes]
    return [*down, *(_of_address(snapshot, address) for address in snapshot.unanswered)]


def _of_node(snapshot: Snapshot, thresholds: Thresholds, node: Node) -> Finding:
    silence_seconds = max(0.0, snapshot.at - node.last.at)
    unanswered = ", and it does not answer at " + node.entry.admin_address if node.answered is False else ""
    return Finding(
        code="node_down",
        severity="critical",
        since=min(node.last.at, snapshot.at),
        at=snapshot.at,
        subject=Target("node", node.id),
        summary=(
            f"{node.id} ({node.address}) is down: nothing came from it since {clock(node.last.at)} "
            f"({silence_seconds:,.0f} s){unanswered}"
        ),
        evidence=(
            Evidence("silence", thresholds.node_down_seconds, round(silence_seconds, 1), "seconds"),
            Evidence("nodes_up", snapshot.expected_up, len(snapshot.up), "nodes"),
            Evidence("in_flight_when_last_seen", None, node.last.in_flight, "requests"),
        ),
        confidence=_confidence(snapshot, node, silence_seconds / thresholds.node_down_seconds),
        suggested_action="subject nodes",
        verify_with="subject status",
    )


def _of_address(snapshot: Snapshot, address: str) -> Finding:
    """A node of which only the admin address is known, since Redis is away and it does not answer."""
    return _of_unknown(
        snapshot,
        Target("node", address),
        summary=f"No node answers at {address}, which SUBJECT_NODES names",
        sure=ADDRESS_ONLY,
    )


def _of_unread(snapshot: Snapshot, node_id: str) -> Finding:
    """A node of which only the id is known."""
    return _of_unknown(
        snapshot,
        Target("node", node_id),
        summary=f"{node_id} counts as down: its record in Redis cannot be read, and it writes no other",
        sure=UNREAD,
    )


def _of_many_unread(snapshot: Snapshot) -> Finding:
    unread = snapshot.unread_nodes
    return _of_unknown(
        snapshot,
        CLUSTER,
        summary=(
            f"{len(unread):,} nodes count as down, {unread[0]} among them: their records in Redis cannot be "
            "read, and they write no others"
        ),
        sure=UNREAD,
    )


def _of_unknown(snapshot: Snapshot, target: Target, *, summary: str, sure: float) -> Finding:
    """A node without a record, so since now and with no evidence of its own."""
    return Finding(
        code="node_down",
        severity="critical",
        since=snapshot.at,
        at=snapshot.at,
        subject=target,
        summary=summary,
        evidence=(Evidence("nodes_up", snapshot.expected_up, len(snapshot.up), "nodes"),),
        confidence=sure,
        suggested_action="subject nodes",
        verify_with="subject status",
    )


def _confidence(snapshot: Snapshot, node: Node, margin: float) -> float:
    sure = confidence(margin)
    if node.answered is False:
        sure = 1 - (1 - sure) * ALSO_DOES_NOT_ANSWER
    if not snapshot.up:
        sure *= NOBODY_WRITES
    return round(min(sure, 0.99), 2)
