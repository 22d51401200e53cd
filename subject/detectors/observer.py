"""observer_blind: the subject sees nothing, and does not say that all is well."""

from subject.cluster.snapshot import Snapshot
from subject.figures import clock
from subject.finding import CLUSTER, Evidence, Finding
from subject.thresholds import Thresholds


def observer_blind(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Neither Redis nor any node answers; or Redis does, and no node has ever written to it."""
    del thresholds
    redis = snapshot.redis
    if snapshot.sees and (snapshot.nodes or snapshot.unread_nodes or not redis.connected):
        return []
    if redis.connected:
        return [
            _finding(
                snapshot,
                f"Redis at {redis.place} answers, but no node has written to it: there is nothing to judge",
                "subject nodes" if snapshot.unanswered else _ASK_HERE,
            )
        ]
    asked = len(snapshot.nodes) + len(snapshot.unanswered)
    verb = f"refuses the subject ({redis.problem})" if redis.refuses else "does not answer"
    known = f"no node answers ({asked} asked)" if asked else "no node is known"
    return [
        _finding(
            snapshot,
            f"The subject sees nothing: Redis at {redis.place} {verb}, and {known}",
            "subject nodes" if asked else _ASK_HERE,
        )
    ]


_ASK_HERE = "SUBJECT_NODES=127.0.0.1:9080 subject nodes"
"""Where a node on this machine answers unless told otherwise."""


def _finding(snapshot: Snapshot, summary: str, action: str) -> Finding:
    since = snapshot.at if snapshot.redis.connected or snapshot.seen_at is None else snapshot.seen_at
    last = "" if since == snapshot.at else f", last seen at {clock(since)}"
    return Finding(
        code="observer_blind",
        severity="critical",
        since=since,
        at=snapshot.at,
        subject=CLUSTER,
        summary=summary + last,
        evidence=(
            Evidence("redis_answers", 1, int(snapshot.redis.connected), "boolean"),
            Evidence("nodes_that_answer", snapshot.expected_up or None, 0, "nodes"),
        ),
        confidence=0.99,
        suggested_action=action,
        verify_with="subject status",
    )
