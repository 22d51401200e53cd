"""The JSON that commands print and that the protocol returns. The names in it are fixed."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from subject import finding as findings_module
from subject import metrics
from subject.diagnosis import Diagnosis
from subject.live_changes import Audit
from subject.snapshot import Node, Snapshot
from subject.view import ClientWindow

Document = dict[str, Any]
_DETAILS = (
    *("admin_address", "version", "boot_id", "started_at", "rate", "rejection_ratio", "failure_ratio"),
    *("fallback_ratio", "latency_p50_ms", "latency_p99_ms", "store_p99_ms", "cpu_percent", "totals"),
    *("boot_totals", "store_connected", "in_flight", "loop_lag_ms", "rss_bytes", "policy_digest"),
    "last_seen",
)
NOTHING_KNOWN: Document = dict.fromkeys(_DETAILS)
"""What `node_document` has beside `place`, of a node whose entry cannot be read."""


def nodes(snapshot: Snapshot) -> Document:
    """``nodes --json``."""
    return {
        "at": snapshot.at,
        "redis_connected": snapshot.redis.connected,
        "nodes": [
            *(node_document(snapshot, node) for node in snapshot.nodes),
            *({**unread_place(node_id), **NOTHING_KNOWN} for node_id in snapshot.unread_nodes),
        ],
        "unanswered": list(snapshot.unanswered),
    }


def node_document(snapshot: Snapshot, node: Node) -> Document:
    """One node of it."""
    last = node.last
    return {
        **place(node),
        "admin_address": node.entry.admin_address,
        "version": node.entry.version,
        "boot_id": last.boot_id,
        "started_at": last.started_at,
        **_numbers(snapshot, metrics.of_node(snapshot, node)),
        "totals": asdict(node.totals),
        "boot_totals": asdict(last.boot),
        "store_connected": last.store.connected,
        "in_flight": last.in_flight,
        "loop_lag_ms": metrics.milliseconds(last.loop_lag_seconds),
        "rss_bytes": last.rss_bytes,
        "policy_digest": node.entry.policy_digest,
        "last_seen": last.at,
    }


def place(node: Node) -> Document:
    """Who a node is, where, and its state."""
    return {"id": node.id, "address": node.address, "state": node.state}


def unread_place(node_id: str) -> Document:
    """The same of a node whose entry cannot be read."""
    return {"id": node_id, "address": None, "state": "Down"}


def places(snapshot: Snapshot) -> list[Document]:
    """All nodes."""
    read = [place(node) for node in snapshot.nodes]
    return read + [unread_place(node_id) for node_id in snapshot.unread_nodes]


def status(snapshot: Snapshot, diagnosis: Diagnosis) -> Document:
    """``status --json``: the cluster's sums in the names of `nodes`; null what cannot be seen."""
    known = metrics.totals_known(snapshot)
    all_boots, these_boots = metrics.totals(snapshot.nodes)
    return {
        "at": snapshot.at,
        "healthy": diagnosis.healthy,
        "redis_connected": snapshot.redis.connected,
        "redis": redis(snapshot),
        "nodes": places(snapshot),
        **_numbers(snapshot, metrics.of_cluster(snapshot)),
        "totals": asdict(all_boots) if known else None,
        "boot_totals": asdict(these_boots) if known else None,
        "clients": snapshot.clients if known else None,
        "findings": [found.code for found in diagnosis.findings],
        "unanswered": list(snapshot.unanswered),
        "unreadable": list(snapshot.unreadable),
    }


def redis(snapshot: Snapshot) -> Document:
    """Redis as the subject meets it."""
    health = snapshot.redis
    return {
        "address": health.place,
        "round_trip_ms": metrics.milliseconds(health.round_trip_seconds),
        "used_bytes": health.used_bytes,
        "maximum_bytes": health.maximum_bytes,
        "problem": health.problem or None,
        "refuses": health.refuses,
    }


def diagnosis_document(snapshot: Snapshot, diagnosis: Diagnosis) -> Document:
    """``diagnose --json``."""
    return {
        "at": snapshot.at,
        "healthy": diagnosis.healthy,
        "redis_connected": snapshot.redis.connected,
        "findings": [findings_module.as_json(found) for found in diagnosis.findings],
    }


def top(snapshot: Snapshot) -> Document:
    """``top --json``: the clients that nodes list, the busiest first; null where no node can be seen."""
    windows = snapshot.windows_by_client
    return {
        "at": snapshot.at,
        "redis_connected": snapshot.redis.connected,
        "clients": [
            {
                "id": client.client,
                "rate": round(client.rate, 3),
                "refused_rate": round(client.refused_rate, 3),
                **limit(snapshot, client.client),
                **_window(windows.get(client.client)),
            }
            for client in metrics.of_clients(snapshot)
        ]
        if snapshot.sees
        else None,
    }


def limits(snapshot: Snapshot, clients: Sequence[str]) -> Document:
    """``limits --json``: the default, the plans, and the limits of `clients`."""
    table = snapshot.policies.table
    windows = snapshot.windows_by_client
    return {
        "at": snapshot.at,
        "redis_connected": snapshot.redis.connected,
        "default": None if table is None else str(table.default),
        "plans": {} if table is None else {name: str(plan) for name, plan in table.plans.items()},
        "limits": [
            {
                "client": client,
                **limit(snapshot, client),
                **_window(windows.get(client)),
                **_who(snapshot, client),
            }
            for client in clients
        ],
        "unreadable": list(snapshot.unreadable),
    }


def audit(audit: Audit) -> Document:
    """``audit --json``, the newest last."""
    return {
        "at": audit.at,
        "records": [asdict(record) for record in audit.records],
        "unreadable": audit.unreadable,
    }


def limit(snapshot: Snapshot, client: str) -> Document:
    """A client's limit and where it comes from."""
    applied = snapshot.policies.applied_to(client)
    if applied is None:
        return {"limit": None, "source": None}
    return {"limit": str(applied.limit), "source": applied.name}


def counters(windows: Sequence[ClientWindow]) -> list[Document]:
    """The protocol's counters: what stands in each client's window."""
    return [
        {
            "key": window.client,
            "count": window.count,
            "limit": window.limit,
            "remaining": window.remaining,
            "period_seconds": window.period_seconds,
        }
        for window in windows
    ]


def _window(window: ClientWindow | None) -> Document:
    if window is None:
        return {"count": None, "remaining": None}
    return {"count": window.count, "remaining": window.remaining}


def _who(snapshot: Snapshot, client: str) -> Document:
    override = snapshot.policies.overrides.limits.get(client)
    if override is None:
        return {"by": None, "why": None, "since": None, "until": None, "usual": None}
    usual = snapshot.policies.usual_of(client)
    return {
        "by": override.by,
        "why": override.why,
        "since": override.at,
        "until": override.until,
        "usual": None if usual is None else {"limit": str(usual.limit), "source": usual.name},
    }


def _numbers(snapshot: Snapshot, of: metrics.Metrics) -> Document:
    numbers = {
        "rate": round(of.rate, 3),
        "rejection_ratio": round(of.rejection_ratio, 4),
        "failure_ratio": round(of.failure_ratio, 4),
        "fallback_ratio": round(of.fallback_ratio, 4),
        "latency_p50_ms": of.latency_p50_ms,
        "latency_p99_ms": of.latency_p99_ms,
        "store_p99_ms": of.store_p99_ms,
        "cpu_percent": round(of.cpu_percent, 1),
    }
    # What was counted before the subject went blind says nothing of now.
    return numbers if snapshot.sees else dict.fromkeys(numbers)
