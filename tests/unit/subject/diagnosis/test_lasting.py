"""What lasts for longer than records of each second are kept stays one problem."""

from collections.abc import Sequence

import pytest

from gateway.contract.records import TelemetryRecord
from subject.diagnosis.problems import diagnose
from tests.unit.subject.builders import START, THRESHOLDS, NodeScript, always, even, steps
from tests.unit.subject.lasting import seen
from tests.unit.subject.scenes import crowd

BEGINS, SECONDS = 400, 700


def preferred() -> Sequence[NodeScript]:
    """A load balancer gives one node's share to another."""
    rates = (steps((0, 20), (BEGINS, 38)), steps((0, 20), (BEGINS, 1)), steps((0, 20), (BEGINS, 20)))
    return [NodeScript(f"node-{n}", rate, phase=n / 4) for n, rate in enumerate(rates, 1)]


def late_for_the_deadline() -> Sequence[NodeScript]:
    return even(always(60), round_trip_ms=steps((0, 1), (BEGINS, 40)), fallbacks=steps((0, 0), (BEGINS, 2)))


def loaded_by_one() -> Sequence[NodeScript]:
    """A client's spike after which the service behind is late."""
    return crowd(
        steps((0, 1), (BEGINS, 60)), each=2, others=20, upstream_ms=steps((0, 20), (BEGINS + 3, 600))
    )


def records_of(scripts: Sequence[NodeScript]) -> list[TelemetryRecord]:
    return [one for script in scripts for one in script.records(SECONDS)]


@pytest.mark.parametrize(
    ("scripts", "cause", "symptom"),
    [
        (preferred(), "node_skew", "traffic_drop"),
        (late_for_the_deadline(), "store_slow", "fallback_active"),
        (loaded_by_one(), "spike_single", "upstream_degraded"),
    ],
)
def test_a_problem_keeps_its_symptom(scripts: Sequence[NodeScript], cause: str, symptom: str) -> None:
    records = records_of(scripts)
    for second in range(BEGINS + 20, SECONDS, 29):
        problems = diagnose(seen(records, second + 0.9), THRESHOLDS).problems
        found = {one.finding.code: [effect.code for effect in one.symptoms] for one in problems}
        since = min(one.finding.since for one in problems if one.finding.code == cause)

        assert symptom in found.get(cause, []), (second, found)
        assert symptom not in found
        assert abs(since - START - BEGINS) <= 15


def test_a_node_that_died_long_before_a_skew_is_not_its_cause() -> None:
    dead = NodeScript("node-4", always(20)).records(300)
    records = [*records_of(preferred()), *dead]

    for second in range(BEGINS + 20, SECONDS, 29):
        problems = diagnose(seen(records, second + 0.9), THRESHOLDS).problems
        assert [one.finding.code for one in problems] == ["node_down", "node_skew"], second


def test_a_skew_after_a_death_stays_the_deaths() -> None:
    dead = NodeScript("node-4", always(20)).records(BEGINS)
    records = [*records_of(preferred()[:2]), *dead]

    for second in range(BEGINS + 20, SECONDS, 29):
        problems = diagnose(seen(records, second + 0.9), THRESHOLDS).problems
        assert [one.finding.code for one in problems] == ["node_down"], second
