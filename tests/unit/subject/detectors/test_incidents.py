"""Each code is raised within seconds by what it is for, stays while that lasts, and is cleared soon after."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gateway.contract.records import Reloads, TelemetryRecord
from subject.cluster.samples import Remembered
from subject.cluster.snapshot import Snapshot
from subject.detectors import ALL
from subject.finding import CLUSTER, Finding, Target
from tests.unit.subject.builders import (
    AWAY,
    SAME,
    START,
    THRESHOLDS,
    NodeScript,
    Rate,
    always,
    even,
    policies,
    snapshot,
    steps,
)

pytestmark = pytest.mark.no_cover  # as for test_false_alarms.py

PAGE = (Path(__file__).parents[4] / "docs" / "detectors.md").read_text()
DOCUMENTED = {
    code: set(severities.split(", "))
    for codes, severities in re.findall(r"^\| (`.+?`) \| (.+?) \|", PAGE, re.MULTILINE)
    for code in re.findall(r"`(\w+)`", codes)
}
"""Each code's severities."""
BEGIN, END, SECONDS = 60, 90, 126
RAISED_WITHIN, CLEARED_WITHIN = 5, 30
NODE, CLIENT = Target("node", "node-2"), Target("client", "acme")


def meanwhile(usual: int, other: int) -> Rate:
    """The usual, but from the incident's beginning to its end."""
    return steps((0, usual), (BEGIN, other), (END, usual))


def now(records: Sequence[TelemetryRecord], at: float) -> list[TelemetryRecord]:
    return [one for one in records if at - 130 <= one.at <= at]


@dataclass(frozen=True)
class Incident:
    """What nodes published, and what else a look shows at a time."""

    records: Sequence[TelemetryRecord]
    subject: Target = CLUSTER
    fields: Callable[[float], Mapping[str, object]] = lambda _: {}
    raised_within: int = RAISED_WITHIN
    remembered: Remembered = field(default_factory=Remembered)

    def look(self, at: float) -> Snapshot:
        return snapshot(now(self.records, at), at, self.remembered, **self.fields(at))


def of(nodes: Sequence[NodeScript], subject: Target = CLUSTER, **fields: object) -> Incident:
    records = [one for node in nodes for one in node.records(SECONDS)]
    return Incident(records, subject, **fields)  # type: ignore[arg-type]  # those of the class


def one_of(nodes: list[NodeScript], **fields: object) -> Incident:
    """Nodes of which the second is another during the incident."""
    nodes[1] = replace(nodes[1], **fields)  # type: ignore[arg-type]  # those of the class
    return of(nodes, NODE)


def lasting(at: float) -> bool:
    return START + BEGIN <= at < START + END


def third(rate: int) -> int:
    return max(1, rate // 3)


def spike_single(rate: int) -> Incident:
    own = meanwhile(third(rate), 5 * third(rate))
    return of(even(lambda second: 3 * own(second) + rate, clients={"acme": own}), CLIENT)


def node_skew(rate: int) -> Incident:
    nodes = even(meanwhile(rate, rate // 5))
    nodes[1] = replace(nodes[1], requests=meanwhile(third(rate), 4 * rate // 5))
    # Of five requests a second it takes seven seconds until chance is ruled out.
    return replace(of(nodes, NODE), raised_within=5 if rate > 20 else 8)


def limit_breach(rate: int) -> Incident:
    refused = meanwhile(0, third(rate))
    return of(even(always(2 * rate), refused=refused, refused_clients={"acme": refused}), CLIENT)


def retry_storm(rate: int) -> Incident:
    own = meanwhile(0, max(5, third(rate)))
    clients = {"acme": own}
    nodes = even(lambda second: rate + 3 * own(second), refused=own, clients=clients, refused_clients=clients)
    return of(nodes, CLIENT)


def hot_key(rate: int) -> Incident:
    own, each = meanwhile(0, rate), max(1, rate // 45)
    clients = {"acme": own, **{f"client-{number}": always(each) for number in range(15)}}
    nodes = even(lambda second: 3 * (own(second) + 15 * each), clients=clients)
    return of(nodes, CLIENT)


def cardinality_attack(rate: int) -> Incident:
    def fresh(node: int) -> Callable[[int], Sequence[str]]:
        def newcomers(second: int) -> Sequence[str]:
            if second == 0:
                return [f"known-{number}" for number in range(1000)]
            return [f"{node}-{second}-{number}" for number in range(rate)] if BEGIN <= second < END else []

        return newcomers

    nodes = even(meanwhile(rate, 3 * rate))
    return of([replace(node, newcomers=fresh(place)) for place, node in enumerate(nodes)])


def traffic_drop(rate: int) -> Incident:
    return replace(of(even(meanwhile(rate, 0))), raised_within=7)


def node_drop(rate: int) -> Incident:
    nodes = even(meanwhile(rate, rate + rate // 2))
    nodes[1] = replace(nodes[1], requests=meanwhile(third(rate), 0))
    return replace(of(nodes, NODE), raised_within=7)


def store_down(rate: int) -> Incident:
    nodes = even(always(rate))
    without = [replace(node, fallbacks=meanwhile(0, node.requests(0))) for node in nodes]
    return of(without)


def upstream_fails(rate: int) -> Incident:
    nodes = [replace(node, upstream_errors=meanwhile(0, node.requests(0))) for node in even(always(rate))]
    return of(nodes)


def lives(*spans: tuple[int, int]) -> list[TelemetryRecord]:
    """The second node's, each as another boot, and those of two that are well."""
    nodes = even(always(30))
    own = [
        one
        for number, (first, end) in enumerate(spans)
        for one in replace(nodes[1], boot_id=f"boot-{number}").records(end, first)
    ]
    return [*own, *nodes[0].records(SECONDS), *nodes[2].records(SECONDS)]


def node_flapping(rate: int) -> Incident:
    del rate
    spans = [(0, BEGIN), *((start, start + 3) for start in range(BEGIN + 1, END, 5)), (END + 1, SECONDS)]
    return Incident(lives(*spans), NODE, raised_within=14)


def node_id_conflict(rate: int) -> Incident:
    del rate
    return Incident(lives((0, SECONDS), (BEGIN, END)), NODE)


def node_down(rate: int) -> Incident:
    nodes = even(always(rate))
    dead = [*nodes[1].records(BEGIN), *replace(nodes[1], boot_id="boot-b").records(SECONDS, END)]
    records = [*dead, *nodes[0].records(SECONDS), *nodes[2].records(SECONDS)]
    return Incident(records, NODE)


def config_drift(rate: int) -> Incident:
    nodes = [one for node in even(always(rate)) for one in node.records(SECONDS)]
    records = [
        replace(one, reloads=Reloads(1, at=float(START + BEGIN)))
        if one.node_id == "node-2" and lasting(one.at)
        else one
        for one in nodes
    ]
    return Incident(
        records, NODE, lambda at: {"digests": {"node-2": "1" * 16 if lasting(at) else SAME}}, raised_within=6
    )


def store_evicting(rate: int) -> Incident:
    def told(one: TelemetryRecord) -> TelemetryRecord:
        evicted = 3 + 10 * int(min(max(one.at - START - BEGIN, 0), END - BEGIN))
        return replace(one, store=replace(one.store, evicted=evicted))

    records = [told(one) for node in even(always(rate)) for one in node.records(SECONDS)]
    return Incident(records)


def clock_skew(rate: int) -> Incident:
    records = [
        replace(one, clock_skew_seconds=4.0 if one.node_id == "node-2" and lasting(one.at) else 0.001)
        for node in even(always(rate))
        for one in node.records(SECONDS)
    ]
    return Incident(records, NODE)


def override_malformed(rate: int) -> Incident:
    def fields(at: float) -> Mapping[str, object]:
        return {"policies": policies(malformed=("limit:acme",) if lasting(at) else ())}

    return of(even(always(rate)), CLIENT, fields=fields)


def blind(rate: int) -> Incident:
    nodes = even(always(rate))
    records = [one for node in nodes for one in node.records(SECONDS) if not lasting(one.at)]
    names = [node.node_id for node in nodes]
    return Incident(
        records,
        fields=lambda at: {"redis": AWAY, "asked": names} if lasting(at) else {},
    )


INCIDENTS: dict[str, tuple[Callable[[int], Incident], Sequence[int]]] = {
    "spike_broad": (lambda rate: of(even(meanwhile(rate, 5 * rate))), (5, 50_000)),
    "spike_single": (spike_single, (6, 50_000)),
    "node_skew": (node_skew, (5, 50_000)),
    "store_slow": (lambda rate: of(even(always(rate), round_trip_ms=meanwhile(1, 40))), (5, 50_000)),
    "store_down": (store_down, (5, 50_000)),
    "fallback_active": (
        lambda rate: one_of(even(always(rate)), fallbacks=meanwhile(0, third(rate))),
        (6, 50_000),
    ),
    "limit_breach": (limit_breach, (15, 50_000)),
    "retry_storm": (retry_storm, (5, 50_000)),
    "hot_key": (hot_key, (45, 50_000)),
    "upstream_degraded": (upstream_fails, (5, 50_000)),
    "upstream_degraded, slow": (
        lambda rate: of(even(always(rate), upstream_ms=meanwhile(20, 900))),
        (5, 50_000),
    ),
    "traffic_drop": (traffic_drop, (5, 50_000)),
    "traffic_drop of a node": (node_drop, (30, 50_000)),
    "cardinality_attack": (cardinality_attack, (60, 1000)),
    "node_flapping": (node_flapping, (30,)),
    "node_id_conflict": (node_id_conflict, (30,)),
    "node_down": (node_down, (5, 50_000)),
    "config_drift": (config_drift, (5,)),
    "store_evicting": (store_evicting, (5,)),
    "clock_skew": (clock_skew, (5,)),
    "override_malformed": (override_malformed, (5,)),
    "observer_blind": (blind, (5,)),
}


def code_of(name: str) -> str:
    return name.partition(",")[0].partition(" ")[0]


FAMILIES = {"spike_broad": "spikes", "spike_single": "spikes"}


def found(incident: Incident, code: str) -> Iterator[tuple[int, Finding | None]]:
    """By second, as a look at its end has it; whatever else is found does not matter here."""
    detector = next(one for one in ALL if one.__name__ in (code, FAMILIES.get(code)))
    for second in range(BEGIN - 10, SECONDS):
        findings = detector(incident.look(START + second + 0.9), THRESHOLDS)
        own = [one for one in findings if one.code == code]
        assert len(own) < 2, own
        yield second, own[0] if own else None


@pytest.mark.parametrize(
    ("name", "rate"), [(name, rate) for name, (_, all_) in INCIDENTS.items() for rate in all_]
)
def test_an_incident_is_found_at_once_and_once_and_is_over_soon_after(name: str, rate: int) -> None:
    incident = INCIDENTS[name][0](rate)

    seen = {second: one for second, one in found(incident, code_of(name)) if one is not None}

    assert seen, "not found at all"
    first, last = min(seen), max(seen)
    # The look of second n ends with it, and covers what all nodes have told of: that is up to a second less.
    assert BEGIN <= first <= BEGIN + incident.raised_within
    assert END - 2 <= last <= END + CLEARED_WITHIN
    assert list(seen) == list(range(first, last + 1)), "it went and came back"
    assert {one.subject for one in seen.values()} == {incident.subject}
    assert {one.severity for one in seen.values()} <= DOCUMENTED[code_of(name)]


def test_every_code_has_its_incident() -> None:
    known = {detector.__name__ for detector in ALL} - set(FAMILIES.values()) | set(FAMILIES)

    assert known == set(DOCUMENTED) == {code_of(name) for name in INCIDENTS}
