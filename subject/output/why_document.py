"""Why a client is refused, as ``why --json`` has it. The names in it are fixed."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gateway.contract.limits import Limit
from gateway.contract.records import AuditRecord, Refusal
from subject.cluster.snapshot import Snapshot
from subject.output.documents import Document
from subject.why.answer import Why


def why_document(
    snapshot: Snapshot, answer: Why, changes: Sequence[AuditRecord] | None, refusal: Refusal | None
) -> Document:
    """All of it; `changes` is None where the audit could not be read, `refusal` the request asked about."""
    policy, run = answer.policy, answer.run
    return {
        "at": answer.at,
        "redis_connected": snapshot.redis.connected,
        "client": answer.client,
        "verdict": answer.verdict,
        "summary": answer.summary,
        "next_at": answer.next_at,
        "since": None if run is None else run.since,
        "until": None if run is None else run.until,
        "since_is_known": None if run is None else run.is_whole,
        "refused_since": None if run is None else run.refused,
        "limit": None if policy is None else str(policy.limits),
        "source": None if policy is None else policy.name,
        "concurrency": None if policy is None else policy.concurrency or None,
        "shadow": None if policy is None else policy.shadow,
        "origins": [{**asdict(origin), "limit": str(origin.limit)} for origin in answer.origins],
        "windows": [
            {
                "name": window.name,
                "limit": str(Limit(window.limit, window.period_seconds)),
                "count": window.count,
                "remaining": window.remaining,
                "room_at": window.room_at,
            }
            for window in answer.windows
        ],
        "nodes": [
            {**asdict(node), "limit": None if node.limit is None else str(node.limit)}
            for node in answer.nodes
        ],
        "notes": list(answer.notes),
        "changes": None if changes is None else [asdict(record) for record in changes],
        "request": None if refusal is None else _request(refusal),
    }


def _request(refusal: Refusal) -> dict[str, Any]:
    by = [{**asdict(each), "limit": str(each.limit)} for each in refusal.by]
    return {**asdict(refusal), "by": by}
