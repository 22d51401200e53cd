"""Synthetic clusters with something wrong in them: for each code one in which it is what is wrong."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from gateway.contract.records import LiveChanges, TelemetryRecord
from subject.cluster.snapshot import Snapshot
from tests.unit.subject.builders import (
    AWAY,
    CONNECTED,
    NEVER,
    START,
    NodeScript,
    Rate,
    always,
    cluster,
    even,
    policies,
    snapshot,
    steps,
)

OTHER = "1" * 16
KNOWN = [f"known-{number}" for number in range(2000)]


def together(*nodes: Iterable[TelemetryRecord]) -> list[TelemetryRecord]:
    """The records of several nodes."""
    return [one for node in nodes for one in node]


def lives(node_id: str, *spans: tuple[int, int]) -> list[TelemetryRecord]:
    """A node that lives from one second to another, again and again, each time as another boot."""
    return together(
        *(
            NodeScript(node_id, always(20), boot_id=f"boot-{number}").records(end, first)
            for number, (first, end) in enumerate(spans)
        )
    )


def crowd(
    acme: Rate, refused: Rate = NEVER, others: int = 12, each: int = 1, **fields: object
) -> list[NodeScript]:
    """Three nodes; what acme, and each of the others, sends to each of them."""
    clients: dict[str, Rate] = {f"client-{number}": always(each) for number in range(others)}
    return even(
        lambda second: 3 * (acme(second) + others * each),
        clients={**clients, "acme": acme},
        refused=refused,
        refused_clients={"acme": refused},
        **fields,  # type: ignore[arg-type]  # those of a node
    )


def newcomers(
    start: int, number: int, names: str = "fresh", until: int = 1000
) -> Callable[[int], Sequence[str]]:
    """Who is known to a node from its first second on, and from `start` on so many new ones a second."""
    fresh = (f"{names}-{place}" for place in count())
    drawn: dict[int, list[str]] = {0: list(KNOWN)}

    def draw(second: int) -> Sequence[str]:
        if start <= second < until and second not in drawn:
            drawn[second] = [next(fresh) for _ in range(number)]
        return drawn.get(second, [])

    return draw


def flooded(
    requests: Rate, start: int = 50, new: int = 60, until: int = 1000, **fields: object
) -> list[NodeScript]:
    """Three nodes that get new clients in numbers, each others."""
    nodes = even(requests, **fields)  # type: ignore[arg-type]  # those of a node
    return [replace(node, newcomers=newcomers(start, new // 3, node.node_id, until)) for node in nodes]


def evicting(
    records: Iterable[TelemetryRecord], start: int = 50, each_second: int = 40, until: int = 1000
) -> list[TelemetryRecord]:
    """The same, with what Redis tells of evictions in them."""

    def told(one: TelemetryRecord) -> TelemetryRecord:
        keys = each_second * max(0, min(round(one.at - START), until) - start)
        return replace(one, store=replace(one.store, evicted=keys))

    return [told(one) for one in records]


FULL_REDIS = replace(CONNECTED, used_bytes=99_000_000, maximum_bytes=100_000_000)


def _store_down() -> Snapshot:
    return cluster(*even(always(60), fallbacks=steps((0, 0), (50, 20))), seconds=60)


def _store_slow() -> Snapshot:
    return cluster(*even(always(60), round_trip_ms=steps((0, 1), (50, 80))), seconds=60)


def _fallback_active() -> Snapshot:
    nodes = even(always(60))
    return cluster(*nodes[:2], replace(nodes[2], fallbacks=steps((0, 0), (50, 5))), seconds=60)


def _store_evicting() -> Snapshot:
    records = together(*(node.records(60) for node in even(always(60))))
    return snapshot(evicting(records), redis=FULL_REDIS)


def _override_malformed() -> Snapshot:
    refused = LiveChanges(malformed=1, names=("limit:acme",), since=START + 50)
    records = together(*(node.records(60) for node in even(always(60))))
    return snapshot(
        (replace(one, overrides=refused) for one in records), policies=policies(malformed=["limit:acme"])
    )


def _node_down() -> Snapshot:
    nodes = even(always(60))
    return snapshot(together(nodes[0].records(60), nodes[1].records(60), nodes[2].records(50)))


def _node_flapping() -> Snapshot:
    steady = NodeScript("node-1", always(20), phase=0.3).records(100)
    return snapshot(together(steady, lives("node-2", (0, 60), (65, 75), (78, 84), (88, 100))))


def _node_id_conflict() -> Snapshot:
    steady = NodeScript("node-1", always(20), phase=0.3).records(60)
    return snapshot(together(steady, lives("node-2", (0, 60), (40, 60))))


def _node_skew() -> Snapshot:
    rates = ((1, steps((0, 30), (50, 6))), (2, steps((0, 30), (50, 78))), (3, steps((0, 30), (50, 6))))
    return cluster(*[NodeScript(f"node-{n}", rate, phase=n / 4) for n, rate in rates], seconds=62)


def _config_drift() -> Snapshot:
    return cluster(*even(always(60), nodes=4), seconds=60, digests={"node-2": OTHER})


def _clock_skew() -> Snapshot:
    records = together(*(node.records(60) for node in even(always(60))))
    return snapshot(
        replace(one, clock_skew_seconds=-4.5) if one.node_id == "node-2" and one.at > START + 50 else one
        for one in records
    )


def _spike_broad() -> Snapshot:
    clients: Mapping[str, Rate] = {f"client-{n}": steps((0, 1), (60, 5)) for n in range(18)}
    return cluster(*even(steps((0, 54), (60, 270)), clients=clients), seconds=66)


def _spike_single() -> Snapshot:
    return cluster(*crowd(steps((0, 1), (60, 60)), each=2, others=20), seconds=64)


def _limit_breach() -> Snapshot:
    return cluster(*crowd(always(5), refused=steps((0, 0), (50, 2))), seconds=60, policies=policies())


def _retry_storm() -> Snapshot:
    return cluster(
        *crowd(always(10), refused=steps((0, 0), (50, 9)), each=3), seconds=60, policies=policies()
    )


def _hot_key() -> Snapshot:
    return cluster(*crowd(always(24)), seconds=60, policies=policies())


def _cardinality_attack() -> Snapshot:
    return cluster(*flooded(always(160)), seconds=58)


def _traffic_drop() -> Snapshot:
    return cluster(*even(steps((0, 60), (50, 4))), seconds=60)


def _upstream_degraded() -> Snapshot:
    return cluster(*even(always(60), upstream_errors=steps((0, 0), (50, 5))), seconds=60)


def _observer_blind() -> Snapshot:
    return snapshot(NodeScript(requests=always(60)).records(30), redis=AWAY, asked=["node-1"])


SCENES: Mapping[str, Callable[[], Snapshot]] = {
    "store_down": _store_down,
    "store_slow": _store_slow,
    "fallback_active": _fallback_active,
    "store_evicting": _store_evicting,
    "override_malformed": _override_malformed,
    "node_down": _node_down,
    "node_flapping": _node_flapping,
    "node_id_conflict": _node_id_conflict,
    "node_skew": _node_skew,
    "config_drift": _config_drift,
    "clock_skew": _clock_skew,
    "spike_broad": _spike_broad,
    "spike_single": _spike_single,
    "limit_breach": _limit_breach,
    "retry_storm": _retry_storm,
    "hot_key": _hot_key,
    "cardinality_attack": _cardinality_attack,
    "traffic_drop": _traffic_drop,
    "upstream_degraded": _upstream_degraded,
    "observer_blind": _observer_blind,
}
"""By code, where it is the cause of what is found."""


def without_redis() -> Snapshot:
    """Redis is away, and two of three nodes answer."""
    nodes = even(always(60), connected=steps((0, 1), (50, 0)), fallbacks=steps((0, 0), (50, 20)))
    records = together(*(node.records(60) for node in nodes))
    answering = [_a_second_later(node.records(60)[-1]) for node in nodes[:2]]
    return snapshot(records, START + 62, answering=answering, asked=["node-3"], redis=AWAY)


def _a_second_later(one: TelemetryRecord) -> TelemetryRecord:
    store = replace(one.store, fallbacks=one.store.fallbacks + 20)
    return replace(one, at=one.at + 1, sequence=one.sequence + 1, store=store)


def flood_that_the_service_cannot_take() -> Snapshot:
    """More requests than the service behind can answer in time."""
    clients = {f"client-{n}": steps((0, 1), (50, 6)) for n in range(20)}
    nodes = even(steps((0, 60), (50, 360)), upstream_ms=steps((0, 20), (52, 900)), clients=clients)
    return cluster(*nodes, seconds=60)


def drift_that_one_node_refuses_by() -> Snapshot:
    """One of four nodes enforces other limits, and it alone refuses."""
    nodes = even(always(80), nodes=4, clients={"acme": always(8)})
    strict = replace(
        nodes[1], refused=steps((0, 0), (50, 5)), refused_clients={"acme": steps((0, 0), (50, 5))}
    )
    return cluster(nodes[0], strict, *nodes[2:], seconds=60, digests={"node-2": OTHER}, policies=policies())
