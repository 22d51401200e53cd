"""What lasts longer than the seconds that are kept is not taken for what is usual."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import pytest

from gateway.contract.telemetry import HISTORY, TelemetryRecord, for_history
from subject.cluster.snapshot import Snapshot, take
from subject.cluster.steps import Steps
from subject.detectors.cardinality import cardinality_attack
from subject.detectors.drop import traffic_drop
from subject.detectors.spikes import spikes
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
    view,
)
from tests.unit.subject.scenes import flooded

BEGINS, ENDS, SECONDS = 500, 860, 1000
KEPT_SECONDS = THRESHOLDS.baseline_seconds + 10
Scripts = Callable[[], Sequence[NodeScript]]


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
    records = [one for script in scripts() for one in script.records(SECONDS)]
    return sorted(records, key=lambda one: one.at)


def seen(scripts: Scripts, second: float) -> Snapshot:
    """What a subject that has just been started makes of it."""
    at = START + second
    past = [one for one in records_of(scripts) if one.at <= at]
    of_history = Steps()
    of_history.add(
        for_history(one)
        for one in past
        if HISTORY.takes(one.sequence) and one.at > at - THRESHOLDS.history_seconds - KEPT_SECONDS
    )
    look = replace(
        view([one for one in past if one.at >= at - KEPT_SECONDS], at),
        steps=of_history.kept(at - THRESHOLDS.history_seconds - KEPT_SECONDS, at),
    )
    return take(look, THRESHOLDS.node_down_seconds)


def found(scripts: Scripts, second: float) -> list[Finding]:
    snapshot = seen(scripts, second)
    return [
        one
        for detector in (spikes, cardinality_attack, traffic_drop)
        for one in detector(snapshot, THRESHOLDS)
    ]


@pytest.mark.parametrize(
    ("scripts", "expected"),
    [
        (broad, ("spike_broad", "cluster")),
        (of_one, ("spike_single", "acme")),
        (attack, ("cardinality_attack", "cluster")),
        (gone, ("traffic_drop", "cluster")),
        (gone_at_all, ("traffic_drop", "cluster")),
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


@pytest.mark.parametrize("scripts", [broad, of_one, attack, gone, gone_at_all])
def test_when_it_is_over_what_comes_is_the_usual_and_no_drop(scripts: Scripts) -> None:
    for second in range(ENDS + 20, SECONDS, 11):
        assert found(scripts, second + 0.9) == [], second


@pytest.mark.parametrize("scripts", [calm, few, many, bursty, ramp])
def test_what_is_benign_is_so_however_long_is_looked_back(scripts: Scripts) -> None:
    for second in range(60, SECONDS, 23):
        assert found(scripts, second + 0.9) == [], second


def test_a_client_that_was_always_big_is_not_whose_spike_it_is() -> None:
    for second in range(BEGINS + 10, ENDS, 40):
        (told,) = found(broad, second + 0.9)
        assert "big" not in told.subject.id


def test_what_goes_on_for_longer_than_is_remembered_becomes_the_usual() -> None:
    snapshot = seen(deployed, SECONDS - 0.1)
    short = replace(snapshot, steps=snapshot.steps[-20:])

    assert [one.code for one in spikes(snapshot, THRESHOLDS)] == ["spike_broad"]
    assert spikes(short, THRESHOLDS) == []
