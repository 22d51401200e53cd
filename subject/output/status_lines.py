"""The cluster in a few lines: what ``subject status`` tells of it, by name."""

from subject.cluster import metrics
from subject.cluster.snapshot import Snapshot
from subject.cluster.view import RedisHealth
from subject.figures import percent
from subject.output.wording import UNKNOWN, ms

HEALTHY = "Healthy: nothing was found."


def well(snapshot: Snapshot) -> str:
    """What is said where nothing was found; but a cluster that was stopped is not said to be healthy."""
    if not snapshot.stopped_in_order:
        return HEALTHY
    number = len(snapshot.nodes)
    return f"No node is up: {'the only one has' if number == 1 else f'all {number} have'} left in order."


def status_lines(snapshot: Snapshot) -> dict[str, str]:
    """A line each for nodes, requests, latency, Redis and the totals."""
    return {
        "Nodes": _states(snapshot),
        "Requests": _requests(snapshot),
        "Latency": _latency(snapshot),
        "Redis": _redis(snapshot.redis),
        "Total": _totals(snapshot),
    }


def _states(snapshot: Snapshot) -> str:
    counts: dict[str, list[str]] = {}
    for node in snapshot.nodes:
        counts.setdefault(node.state, []).append(node.id)
    if snapshot.unread_nodes:
        counts.setdefault("Down", []).extend(snapshot.unread_nodes)
    parts = [
        f"{len(ids)} {state}" + ("" if state == "Up" else f" ({', '.join(ids)})")
        for state, ids in sorted(counts.items(), key=lambda item: ("Up", "Down", "Offline").index(item[0]))
    ]
    return ", ".join(parts) or "none known"


def _requests(snapshot: Snapshot) -> str:
    if not snapshot.sees:
        return UNKNOWN
    now, clients = metrics.of_cluster(snapshot), snapshot.clients
    return (
        f"{now.rate:,.1f} a second, {percent(now.rejection_ratio)} refused{_in_shadow(now.shadow_ratio)}, "
        f"{percent(now.failure_ratio)} failed, {clients:,} {'client' if clients == 1 else 'clients'} seen"
    )


def _latency(snapshot: Snapshot) -> str:
    if not snapshot.sees:
        return UNKNOWN
    now = metrics.of_cluster(snapshot)
    return (
        f"median {ms(now.latency_p50_ms)}, 99 % within {ms(now.latency_p99_ms)}; "
        f"of Redis, for the nodes: {ms(now.store_p99_ms)}"
    )


def _redis(redis: RedisHealth) -> str:
    if not redis.connected:
        return f"{redis.place} {redis.trouble}"
    mega = 1_000_000
    return (
        f"{redis.place}, {redis.used_bytes / mega:,.1f} of {redis.maximum_bytes / mega:,.0f} MB, "
        f"round trip from here {ms(metrics.milliseconds(redis.round_trip_seconds))}"
    )


def _totals(snapshot: Snapshot) -> str:
    if not metrics.totals_known(snapshot):
        return UNKNOWN
    totals, _ = metrics.totals(snapshot.nodes)
    text = (
        f"{totals.requests:,} requests: {totals.admitted:,} admitted, {totals.refused:,} refused, "
        f"{totals.failed:,} failed, {totals.unidentified:,} without a usable key"
    )
    if totals.denied:
        text += f"; {totals.denied:,} were denied"
    if totals.shadow_refused:
        text += f"; policies in shadow would have refused {totals.shadow_refused:,}"
    return text


def _in_shadow(ratio: float) -> str:
    """Told only where a policy is in shadow, and would refuse."""
    return f" ({percent(ratio)} more by policies in shadow)" if ratio else ""
