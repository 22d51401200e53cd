"""What lasts longer than the seconds that are kept is not taken for what is usual."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import pytest

from gateway.contract.records import TelemetryRecord
from subject.detectors.cardinality import cardinality_attack
from subject.detectors.drop import traffic_drop
from subject.detectors.spikes import spikes
from subject.detectors.store_slow import store_slow
from subject.detectors.upstream import upstream_degraded
from subject.finding import Finding
from tests.unit.subject.builders import (
    START,
    THRESHOLDS,
    NodeScript,
    Rate,
    always,
    even,
    poisson,
    steps,
)
from tests.unit.subject.lasting import seen
from tests.unit.subject.scenes import flooded

unmeasured = pytest.mark.no_cover  # as for test_false_alarms.py

BEGINS, ENDS, SECONDS = 500, 860, 1000
SLOW = range(BEGINS, ENDS)
EARLY = 45
Scripts = Callable[[], Sequence[NodeScript]]
DETECTORS = {
    "spike_broad": spikes,
    "cardinality_attack": cardinality_attack,
    "traffic_drop": traffic_drop,
    "store_slow": store_slow,
    "upstream_degraded": upstream_degraded,
}


def during(usual: int, then: int, begins: int = BEGINS, ends: int = ENDS) -> Rate:
    return steps((0, usual), (begins, then), (ends, usual))


def calm() -> Sequence[NodeScript]:
    return even(always(60))


def broad() -> Sequence[NodeScript]:
    clients = {f"client-{number}": during(2, 10) for number in range(9)}
    return even(during(60, 300), clients={**clients, "big": always(15)})


def of_one() -> Sequence[NodeScript]:
    clients = {f"client-{number}": always(1) for number in range(9)}
    return even(during(60, 180), clients={**clients, "acme": during(1, 41)})


def attack() -> Sequence[NodeScript]:
    return flooded(during(60, 160), start=BEGINS, new=60, until=ENDS)


def gone() -> Sequence[NodeScript]:
    return even(during(60, 3))


def gone_at_all() -> Sequence[NodeScript]:
    return even(during(60, 0))


def slow_store() -> Sequence[NodeScript]:
    return even(always(60), round_trip_ms=during(1, 30))


def slow_tail() -> Sequence[NodeScript]:
    """Of a store that is slow now and then, as it never was before."""
    return even(always(60), round_trip_ms=lambda second: 30 if second in SLOW and second % 2 else 1)


def slow_for_few() -> Sequence[NodeScript]:
    return even(always(5), round_trip_ms=during(1, 40))


def slow_service() -> Sequence[NodeScript]:
    return even(always(60), upstream_ms=during(20, 600))


def failing_service() -> Sequence[NodeScript]:
    return even(always(60), upstream_errors=during(0, 4))


def moved_away() -> Sequence[NodeScript]:
    """Redis and the service are elsewhere from then on."""
    return even(
        always(60), round_trip_ms=during(1, 30, ends=SECONDS), upstream_ms=during(20, 600, ends=SECONDS)
    )


def slow_from_early_on() -> Sequence[NodeScript]:
    return even(always(60), round_trip_ms=during(1, 30, EARLY), upstream_ms=during(20, 600, EARLY))


def left_out(ends: int = ENDS) -> Sequence[NodeScript]:
    """One of three nodes gets next to nothing."""
    rates = (during(20, 29, ends=ends), during(20, 1, ends=ends), during(20, 29, ends=ends))
    return [NodeScript(f"node-{n}", rate, phase=n / 4) for n, rate in enumerate(rates, 1)]


def left_out_for_good() -> Sequence[NodeScript]:
    return left_out(SECONDS)


def short_of_processor() -> Sequence[NodeScript]:
    """What nodes read late is not the store's."""
    return even(always(60), round_trip_ms=during(1, 40), loop_lag_ms=during(1, 45))


def usually_slow() -> Sequence[NodeScript]:
    return even(always(60), round_trip_ms=always(30), upstream_ms=always(600))


def added() -> Sequence[NodeScript]:
    """A fourth node, after which each of the others gets less."""
    others = [NodeScript(f"node-{n}", during(20, 15, ends=SECONDS), phase=n / 5) for n in (1, 2, 3)]
    return [*others, NodeScript("node-4", during(0, 15, ends=SECONDS), phase=0.8)]


def bursty() -> Sequence[NodeScript]:
    return even(lambda second: 240 if second % 20 < 3 else 30)


def few() -> Sequence[NodeScript]:
    return even(poisson(random.Random(7), 5 / 3))


def many() -> Sequence[NodeScript]:
    return even(poisson(random.Random(8), 200))


def ramp() -> Sequence[NodeScript]:
    """Fourfold within a minute, and then for long."""
    return even(lambda second: round(60 * 4 ** (min(60, max(0, second - BEGINS)) / 60)))


def deployed() -> Sequence[NodeScript]:
    return even(during(60, 180, ends=SECONDS))


@cache
def records_of(scripts: Scripts) -> list[TelemetryRecord]:
    return [one for script in scripts() for one in script.records(SECONDS)]


def found(scripts: Scripts, second: float) -> list[Finding]:
    snapshot = seen(records_of(scripts), second)
    return [one for detector in DETECTORS.values() for one in detector(snapshot, THRESHOLDS)]


@pytest.mark.parametrize(
    ("scripts", "expected"),
    [
        (broad, ("spike_broad", "cluster")),
        (of_one, ("spike_single", "acme")),
        (attack, ("cardinality_attack", "cluster")),
        (gone, ("traffic_drop", "cluster")),
        (gone_at_all, ("traffic_drop", "cluster")),
        (left_out, ("traffic_drop", "node-2")),
        (slow_store, ("store_slow", "cluster")),
        (slow_tail, ("store_slow", "cluster")),
        (slow_for_few, ("store_slow", "cluster")),
        (slow_service, ("upstream_degraded", "cluster")),
        (failing_service, ("upstream_degraded", "cluster")),
    ],
)
def test_what_lasts_for_minutes_is_found_at_each_look_since_it_began(
    scripts: Scripts, expected: tuple[str, str]
) -> None:
    for second in range(BEGINS + 10, ENDS, 13):
        told = {(one.code, one.subject.id): one for one in found(scripts, second + 0.9)}

        assert expected in told, second
        assert {code for code, _ in told} <= {expected[0], "spike_broad"}
        assert abs(told[expected].since - START - BEGINS) <= 12


def test_what_is_slow_since_a_cluster_is_young_is_found_at_each_look() -> None:
    for second in range(EARLY + 15, EARLY + 300, 7):
        codes = {one.code for one in found(slow_from_early_on, second + 0.9)}

        assert codes == {"store_slow", "upstream_degraded"}, second


@unmeasured
@pytest.mark.parametrize(
    "scripts",
    [broad, of_one, attack, gone, gone_at_all, left_out, slow_store, slow_tail, slow_for_few, slow_service],
)
def test_when_it_is_over_what_comes_is_the_usual_and_no_drop(scripts: Scripts) -> None:
    for second in range(ENDS + 20, SECONDS, 11):
        assert found(scripts, second + 0.9) == [], second


@unmeasured
@pytest.mark.parametrize("scripts", [calm, few, many, bursty, ramp, added, short_of_processor, usually_slow])
def test_what_is_benign_is_so_however_long_is_looked_back(scripts: Scripts) -> None:
    for second in range(60, SECONDS, 23):
        assert found(scripts, second + 0.9) == [], second


def test_a_client_that_was_always_big_is_not_whose_spike_it_is() -> None:
    for second in range(BEGINS + 10, ENDS, 40):
        (told,) = found(broad, second + 0.9)
        assert "big" not in told.subject.id


@pytest.mark.parametrize(
    ("scripts", "code"),
    [
        (deployed, "spike_broad"),
        (moved_away, "store_slow"),
        (moved_away, "upstream_degraded"),
        (left_out_for_good, "traffic_drop"),
    ],
)
def test_what_goes_on_for_longer_than_is_remembered_becomes_the_usual(scripts: Scripts, code: str) -> None:
    snapshot = seen(records_of(scripts), SECONDS - 0.1)
    short = replace(snapshot, steps=snapshot.steps[-20:])
    detector = DETECTORS[code]

    assert [one.code for one in detector(snapshot, THRESHOLDS)] == [code]
    assert detector(short, THRESHOLDS) == []
