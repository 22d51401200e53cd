"""An operator's loop through whole incidents, from calm to calm: the tickets that a person would have opened.

Nodes are synthetic and all else is real; the loop looks every one to five seconds.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache

import pytest

from gateway.contract.records import TelemetryRecord
from subject import RateLimiterChecker
from subject.cluster.samples import Remembered
from subject.cluster.snapshot import take
from subject.diagnosis.problems import diagnose
from subject.finding import as_json
from subject.output import diagnosis_document
from tests.unit.subject.builders import (
    START,
    THRESHOLDS,
    NodeScript,
    Rate,
    always,
    even,
    policies,
    steps,
    view,
)
from tests.unit.subject.scenes import FULL_REDIS, crowd, evicting, flooded, together

pytestmark = pytest.mark.no_cover  # as for detectors/test_false_alarms.py

BEGINS, ENDS, SECONDS = 40, 58, 92
CLEARED_SECONDS = 32
Records = Iterable[TelemetryRecord]
Ticket = tuple[str, str | None]


def during(usual: int, then: int, begins: int = BEGINS, ends: int = ENDS) -> Rate:
    """What is usual, and something else for the time of the incident."""
    return steps((0, usual), (begins, then), (ends, usual))


def of(nodes: Iterable[NodeScript]) -> list[TelemetryRecord]:
    return together(*(node.records(SECONDS) for node in nodes))


def outage() -> Records:
    return of(even(always(60), fallbacks=during(0, 20), connected=during(1, 0)))


def outage_that_refuses() -> Records:
    refused = during(0, 3, BEGINS + 2)
    return of(
        even(
            always(60),
            fallbacks=during(0, 20),
            clients={"acme": always(8)},
            refused=refused,
            refused_clients={"acme": refused},
        )
    )


def slow_redis() -> Records:
    return of(even(always(60), round_trip_ms=during(1, 80), fallbacks=during(0, 3)))


def storm() -> Records:
    return of(crowd(during(1, 60), during(0, 57), others=15))


def spike() -> Records:
    return of(crowd(during(1, 60), others=15, each=2))


def broad_spike() -> Records:
    clients = {f"client-{n}": during(1, 5) for n in range(18)}
    return of(even(during(54, 270), clients=clients))


def breach() -> Records:
    return of(crowd(always(4), during(0, 2), others=15, each=3))


def skew() -> Records:
    rates = (during(20, 4), during(20, 60), during(20, 4))
    return of(NodeScript(f"node-{n}", rate, phase=n / 4) for n, rate in enumerate(rates, 1))


def all_to_one() -> Records:
    rates = (during(20, 0), during(20, 60), during(20, 0))
    return of(NodeScript(f"node-{n}", rate, phase=n / 4) for n, rate in enumerate(rates, 1))


def drop() -> Records:
    return of(even(during(60, 3)))


def failing_service() -> Records:
    return of(even(always(60), upstream_errors=during(0, 6)))


def failing_service_that_clients_leave() -> Records:
    return of(even(during(60, 6, BEGINS + 5), upstream_errors=during(0, 3)))


def dead_node() -> Records:
    others = [NodeScript(f"node-{n}", during(20, 30), phase=n / 4) for n in (1, 2)]
    before = NodeScript("node-3", always(20)).records(BEGINS)
    after = NodeScript("node-3", always(20), boot_id="boot-b").records(SECONDS, ENDS)
    return [*of(others), *before, *after]


def attack() -> Records:
    nodes = flooded(during(60, 260), start=BEGINS, new=150, until=ENDS, round_trip_ms=during(1, 70))
    return evicting(of(nodes), BEGINS + 1, until=ENDS)


def wrong_clock() -> Records:
    return [
        replace(one, clock_skew_seconds=-4.5)
        if one.node_id == "node-2" and BEGINS < one.at - START < ENDS
        else one
        for one in of(even(always(60)))
    ]


def storm_while_redis_is_slow() -> Records:
    return of(crowd(during(1, 60), during(0, 57), others=15, round_trip_ms=during(1, 80)))


def storm_while_redis_is_down() -> Records:
    return of(crowd(during(1, 60), during(0, 57), others=15, fallbacks=during(0, 75)))


def storm_while_a_node_is_dead() -> Records:
    return [one for one in storm() if not (one.node_id == "node-3" and BEGINS < one.at - START < ENDS)]


INCIDENTS: dict[Callable[[], Records], list[Ticket]] = {
    outage: [("store_down", None)],
    outage_that_refuses: [("store_down", None)],
    slow_redis: [("store_slow", None)],
    storm: [("retry_storm", "acme")],
    spike: [("spike_single", "acme")],
    broad_spike: [("spike_broad", None)],
    breach: [("limit_breach", "acme")],
    skew: [("node_skew", "node-2")],
    all_to_one: [("node_skew", "node-2")],
    drop: [("traffic_drop", None)],
    failing_service: [("upstream_degraded", None)],
    failing_service_that_clients_leave: [("upstream_degraded", None)],
    dead_node: [("node_down", "node-3")],
    attack: [("cardinality_attack", None)],
    wrong_clock: [("clock_skew", "node-2")],
    storm_while_redis_is_slow: [("retry_storm", "acme"), ("store_slow", None)],
    storm_while_redis_is_down: [("retry_storm", "acme"), ("store_down", None)],
    storm_while_a_node_is_dead: [("node_down", "node-3"), ("retry_storm", "acme")],
}


@cache
def records_of(incident: Callable[[], Records]) -> list[TelemetryRecord]:
    return sorted(incident(), key=lambda one: one.at)


@cache
def remembered_of(incident: Callable[[], Records]) -> Remembered:
    return Remembered()


@cache
def observed(incident: Callable[[], Records], at: float) -> dict[str, object]:
    """What `observe` would return at this time."""
    seen = [one for one in records_of(incident) if one.at <= START + at]
    snapshot = take(
        view(
            seen, START + at, redis=FULL_REDIS if incident is attack else view([]).redis, policies=policies()
        ),
        THRESHOLDS.node_down_seconds,
        remembered_of(incident),
    )
    diagnosis = diagnose(snapshot, THRESHOLDS)
    return {
        "at": START + at,
        "redis_connected": True,
        "findings": [as_json(one) for one in diagnosis.findings],
        "problems": diagnosis_document.problems(diagnosis),
    }


@pytest.mark.parametrize(("every", "first"), [(1, 0.4), (2, 1.4), (5, 0.4), (5, 3.4)])
@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.__name__)
def test_each_cause_is_one_ticket_that_is_opened_once_and_closed(
    incident: Callable[[], Records], every: int, first: float
) -> None:
    checker, is_open = RateLimiterChecker(), set[Ticket]()
    opened: list[tuple[Ticket, int]] = []
    closed_at: dict[Ticket, float] = {}
    at = BEGINS + first
    while at < SECONDS:
        found = {(one.invariant_name, one.store_id) for one in checker.check(observed(incident, at))}
        opened += [(ticket, round(at - BEGINS)) for ticket in sorted(found - is_open, key=str)]
        closed_at |= dict.fromkeys(is_open - found, at)
        is_open, at = found, at + every

    assert sorted((ticket for ticket, _ in opened), key=str) == INCIDENTS[incident], (opened, closed_at)
    assert all(after <= 15 + every for _, after in opened), opened
    assert is_open == set()
    assert all(at <= ENDS + CLEARED_SECONDS for at in closed_at.values()), closed_at
