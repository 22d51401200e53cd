"""The JSON that commands print and that the protocol returns. The names in it are fixed."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gateway.contract.limits import Limit
from gateway.contract.records import Totals
from subject.actions.revisions import revision
from subject.cluster import metrics
from subject.cluster.live_changes import Audit
from subject.cluster.node import Node
from subject.cluster.rankings import Order, ranked
from subject.cluster.snapshot import Snapshot
from subject.cluster.windows import ClientWindow, tightest
from subject.diagnosis.problems import Diagnosis
from subject.output.policy_document import policy_document

Document = dict[str, Any]
_DETAILS = (
    *("admin_address", "version", "boot_id", "started_at", "rate", "rejection_ratio", "shadow_ratio"),
    *("failure_ratio", "fallback_ratio", "latency_p50_ms", "latency_p99_ms", "store_p99_ms"),
    *("cpu_percent", "totals", "boot_totals", "denied", "shadow_refused", "store_connected", "in_flight"),
    *("loop_lag_ms", "rss_bytes", "policy_digest", "last_seen"),
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
        "totals": _outcomes(node.totals),
        "boot_totals": _outcomes(last.boot),
        "denied": node.totals.denied,
        "shadow_refused": node.totals.shadow_refused,
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
        "totals": _outcomes(all_boots) if known else None,
        "boot_totals": _outcomes(these_boots) if known else None,
        "denied": all_boots.denied if known else None,
        "shadow_refused": all_boots.shadow_refused if known else None,
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


def top(snapshot: Snapshot, order: Order = "busiest") -> Document:
    """``top --json``: the clients that nodes list, the busiest first or in another order.

    Null where no node can be seen.
    """
    windows = snapshot.windows_by_client
    return {
        "at": snapshot.at,
        "redis_connected": snapshot.redis.connected,
        "clients": [
            {
                "id": one.client,
                "rate": round(one.now.rate, 3),
                "rate_error": round(one.now.error, 3),
                "refused_rate": round(one.now.refused_rate, 3),
                "used_ratio": None if one.used_ratio is None else round(one.used_ratio, 4),
                **limit(snapshot, one.client),
                **_windows(windows.get(one.client, [])),
            }
            for one in ranked(snapshot, order)
        ]
        if snapshot.sees
        else None,
        "unlisted_rate": round(metrics.unlisted_rate(snapshot), 3) if snapshot.sees else None,
    }


def limits(snapshot: Snapshot, clients: Sequence[str]) -> Document:
    """``limits --json``: the default, the plans, and the limits of `clients`."""
    table = snapshot.policies.table
    windows = snapshot.windows_by_client
    return {
        "at": snapshot.at,
        "redis_connected": snapshot.redis.connected,
        **policy_document(table),
        "limits": [
            {
                "client": client,
                **limit(snapshot, client),
                **_windows(windows.get(client, [])),
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
        return {"limit": None, "source": None, "concurrency": None, "shadow": None}
    return {
        "limit": str(applied.limits),
        "source": applied.name,
        "concurrency": applied.concurrency or None,
        "shadow": applied.shadow,
    }


def counters(windows: Sequence[ClientWindow]) -> list[Document]:
    """The protocol's counters: what stands in each window of each client."""
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


def _windows(windows: Sequence[ClientWindow]) -> Document:
    """All of a client's, and by itself the tightest that is its own."""
    first = tightest(windows)
    return {
        "count": None if first is None else first.count,
        "remaining": None if first is None else first.remaining,
        "windows": [
            {
                "name": window.name,
                "limit": str(Limit(window.limit, window.period_seconds)),
                "count": window.count,
                "remaining": window.remaining,
            }
            for window in windows
        ],
    }


def _who(snapshot: Snapshot, client: str) -> Document:
    override = snapshot.policies.overrides.limits.get(client)
    if override is None:
        nothing = dict.fromkeys(("by", "why", "since", "until", "usual"))
        return {**nothing, "revision": revision(None)}
    usual = snapshot.policies.usual_of(client)
    return {
        "by": override.by,
        "why": override.why,
        "since": override.at,
        "until": override.until,
        "usual": None if usual is None else {"limit": str(usual.limits), "source": usual.name},
        "revision": revision(override),
    }


def _outcomes(totals: Totals) -> Document:
    """What became of all requests. Parts of these stand beside it: ``denied``, ``shadow_refused``."""
    names = ("requests", "admitted", "refused", "failed", "unidentified")
    return {name: getattr(totals, name) for name in names}


def _numbers(snapshot: Snapshot, of: metrics.Metrics) -> Document:
    numbers = {
        "rate": round(of.rate, 3),
        "rejection_ratio": round(of.rejection_ratio, 4),
        "shadow_ratio": round(of.shadow_ratio, 4),
        "failure_ratio": round(of.failure_ratio, 4),
        "fallback_ratio": round(of.fallback_ratio, 4),
        "latency_p50_ms": of.latency_p50_ms,
        "latency_p99_ms": of.latency_p99_ms,
        "store_p99_ms": of.store_p99_ms,
        "cpu_percent": round(of.cpu_percent, 1),
    }
    # What was counted before the subject went blind says nothing of now.
    return numbers if snapshot.sees else dict.fromkeys(numbers)
