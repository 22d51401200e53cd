"""The numbers of a node and of the cluster that are shown: those of the last ten seconds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.contract import sketches
from gateway.contract.records import TOP_CLIENTS, Totals
from subject.cluster import series
from subject.cluster.node import Node
from subject.cluster.samples import Sample
from subject.cluster.snapshot import RATE_SECONDS, Snapshot


@dataclass(frozen=True, slots=True)
class Metrics:
    """Rates are per second, latencies milliseconds; None where nothing was measured."""

    requests: float  # in the last ten seconds
    rate: float
    rejection_ratio: float
    shadow_ratio: float  # of the requests that policies in shadow would have refused
    failure_ratio: float
    fallback_ratio: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    store_p99_ms: float | None
    cpu_percent: float


@dataclass(frozen=True, slots=True)
class ClientMetrics:
    """A client's requests and refusals per second, over all nodes: at least so many.

    `error`: nodes that do not list it may have had so many more requests of it, about, since those that they
    list have more.
    """

    client: str
    rate: float
    refused_rate: float
    error: float = 0.0


def of_node(snapshot: Snapshot, node: Node) -> Metrics:
    """A node's; all zero where it is not up."""
    return _metrics([node] if node.is_up else [], snapshot.covered_until)


def busy_percent(snapshot: Snapshot, node: Node) -> float:
    """What it uses of what it can use, which is a processor for each of its workers."""
    return of_node(snapshot, node).cpu_percent / max(1, node.last.workers)


def of_cluster(snapshot: Snapshot) -> Metrics:
    """The sums over the nodes that are up; its CPU is the mean."""
    return _metrics(snapshot.up, snapshot.covered_until)


def totals(nodes: Sequence[Node]) -> tuple[Totals, Totals]:
    """Of all boots, and of the present ones."""
    return (
        sum((node.totals for node in nodes), Totals()),
        sum((node.last.boot for node in nodes), Totals()),
    )


def totals_known(snapshot: Snapshot) -> bool:
    """Whether the sums since the start say anything: somebody answers, or has answered before."""
    return snapshot.sees or bool(snapshot.nodes)


def of_clients(snapshot: Snapshot) -> list[ClientMetrics]:
    """The clients that nodes list, the busiest first."""
    end = snapshot.covered_until
    start = end - RATE_SECONDS
    samples = _of_late(snapshot.up, start)
    seconds = _seconds(samples, start, end, len(snapshot.up))
    requests = series.by_client(samples, series.requests_of_clients, start, end)
    refused = series.by_client(samples, series.refusals_of_clients, start, end)
    lists = [_listed(node, start, end) for node in snapshot.up]
    found = [
        ClientMetrics(
            client,
            requests.get(client, 0.0) / seconds,
            refused.get(client, 0.0) / seconds,
            sum(most for listed, most in lists if client not in listed) / seconds,
        )
        for client in requests | refused
    ]
    return sorted(found, key=lambda metrics: (-metrics.rate, -metrics.refused_rate, metrics.client))


def unlisted_rate(snapshot: Snapshot) -> float:
    """About so many requests a second a client may have that no node lists."""
    end = snapshot.covered_until
    return sum(_listed(node, end - RATE_SECONDS, end)[1] for node in snapshot.up) / RATE_SECONDS


def _listed(node: Node, start: float, end: float) -> tuple[Mapping[str, float], float]:
    """What the clients had that a node lists, and what one can have had at most that it does not list.

    That is what is left of the node's requests, and no more than the least of those it lists, if the list is
    full. About: nodes rank by what clients had lately, in which the last second counts most.
    """
    samples = series.ending_after(node.samples, start)
    listed = series.by_client(samples, series.requests_of_clients, start, end)
    if len(node.last.busiest) < TOP_CLIENTS:
        return listed, 0.0
    all_requests = series.counted(samples, series.requests, start, end)
    rest = max(0.0, all_requests - sum(listed.values()))
    least = min(listed.get(entry.client, 0.0) for entry in node.last.busiest)
    return listed, min(rest, least)


def _of_late(nodes: Iterable[Node], start: float) -> list[Sample]:
    return [sample for node in nodes for sample in series.ending_after(node.samples, start)]


def _metrics(nodes: Sequence[Node], end: float) -> Metrics:
    start = end - RATE_SECONDS
    samples = _of_late(nodes, start)
    seconds = _seconds(samples, start, end, len(nodes))
    requests = series.counted(samples, series.requests, start, end)
    refused = series.counted(samples, lambda sample: sample.totals.refused, start, end)
    in_shadow = series.counted(samples, lambda sample: sample.totals.shadow_refused, start, end)
    failed = series.counted(samples, lambda sample: sample.totals.failed, start, end)
    fallbacks = series.counted(samples, lambda sample: sample.fallbacks, start, end)
    decisions = series.counted(samples, lambda sample: sample.decisions, start, end)
    # A sample counts whole in a histogram, and the nodes' last ones end a little later than `end`.
    recent = series.ended_within(samples, start, end + 1)
    latency = sketches.histogram_sum(sample.latency for sample in recent)
    store = sketches.histogram_sum(sample.store_latency for sample in recent)
    cpu_seconds = series.counted(samples, lambda sample: sample.cpu_seconds, start, end)
    return Metrics(
        requests=requests,
        rate=requests / seconds,
        rejection_ratio=refused / requests if requests else 0.0,
        shadow_ratio=in_shadow / requests if requests else 0.0,
        failure_ratio=failed / requests if requests else 0.0,
        fallback_ratio=fallbacks / (fallbacks + decisions) if fallbacks else 0.0,
        latency_p50_ms=milliseconds(sketches.quantile_seconds(latency, 0.5)),
        latency_p99_ms=milliseconds(sketches.quantile_seconds(latency, 0.99)),
        store_p99_ms=milliseconds(sketches.quantile_seconds(store, 0.99)),
        cpu_percent=100 * cpu_seconds / seconds / max(1, len(nodes)),
    )


def _seconds(samples: Sequence[Sample], start: float, end: float, nodes: int) -> float:
    """The time that a rate is taken over: what the nodes' samples cover on the average."""
    covered = series.covered_seconds(samples, start, end) / max(1, nodes)
    return min(max(covered, 0.001), RATE_SECONDS)


def milliseconds(seconds: float | None) -> float | None:
    """Seconds in milliseconds, to a microsecond."""
    return None if seconds is None else round(1000 * seconds, 3)
