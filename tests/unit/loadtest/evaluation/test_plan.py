"""Which runs there are, and what they put on a cluster."""

from itertools import pairwise

import pytest

from loadtest import scenarios
from loadtest.evaluation.jobs import beside
from loadtest.evaluation.plan import (
    CHOOSING,
    INTENSITIES,
    OF_SHARES,
    REPORTING,
    SCENARIOS_A_RUN,
    STARTING,
    Plan,
    Run,
)
from loadtest.scenarios.feasibility import MOST_PER_SECOND

WHOLE = Plan(choosing=1, reporting=2, benign_minutes=60)
RUNS = WHOLE.runs()


def anomalies(purpose: str, intensity: str) -> list[str]:
    runs = [run for run in RUNS if (run.purpose, run.intensity) == (purpose, intensity)]
    return [name for run in runs for name in run.scenarios]


@pytest.mark.parametrize("intensity", INTENSITIES)
def test_every_anomaly_is_played_once_for_each_seed(intensity: str) -> None:
    assert sorted(anomalies(CHOOSING, intensity)) == sorted(scenarios.ANOMALIES)
    assert sorted(anomalies(REPORTING, intensity)) == sorted([*scenarios.ANOMALIES] * 2)


def test_no_run_has_the_name_of_another_and_none_is_long() -> None:
    assert len({run.name for run in RUNS}) == len(RUNS)
    assert max(len(run.scenarios) for run in RUNS) <= SCENARIOS_A_RUN


def test_a_run_is_drawn_the_same_again_and_another_one_otherwise() -> None:
    one, other = RUNS[:2]
    assert one.drawn() == one.drawn()
    assert one.drawn()[0].clients != other.drawn()[0].clients
    assert one.drawn()[1] != other.drawn()[1]


def test_no_seed_serves_both_purposes() -> None:
    seeds = [{run.name.split("-")[1] for run in RUNS if run.purpose == of} for of in (CHOOSING, REPORTING)]
    assert not seeds[0] & seeds[1]


def test_the_generator_can_send_what_a_run_has() -> None:
    for run in RUNS:
        _, _, played = run.drawn()
        assert max(scenario.most_per_second for scenario in played) <= MOST_PER_SECOND, run


def test_what_comes_of_a_usual_rate_is_not_for_chance_to_tell() -> None:
    low = {name: run.rate_per_second for run in RUNS for name in run.scenarios if run.intensity == "low"}
    assert {rate for name, rate in low.items() if name in ("node_kill", "redis_down", "upstream_slow")} == {5}
    assert {rate for name, rate in low.items() if name in ("skew", "spike_broad", "traffic_drop")} == {20}


def test_there_is_as_much_benign_traffic_as_is_asked_for() -> None:
    benign = [run for run in RUNS if run.is_benign and run.purpose == REPORTING]
    played = [scenario for run in benign for scenario in run.drawn()[2]]
    seconds = sum(sum(step.seconds for step in one.steps) + one.calm_seconds for one in played)
    assert 3600 <= seconds <= 3600 + 600
    assert {run.rate_per_second for run in benign} == {5, 20, 90, 150}
    assert not any(scenario.expected for scenario in played)
    assert all(run.scenarios[0] == scenarios.FIRST for run in benign)
    assert any(one.scenarios != other.scenarios for one, other in pairwise(benign))


def test_only_what_is_asked_for_is_played() -> None:
    runs = Plan(1, 1, 1, ("skew", "steady")).runs()
    assert {name for run in runs for name in run.scenarios} == {"skew", "steady"}
    assert not [run for run in Plan(1, 0, 0, ("steady",)).runs() if not run.is_benign]


def test_what_starts_nodes_is_far_from_what_else_does_and_from_what_compares_them() -> None:
    for run in (run for run in RUNS if not run.is_benign):
        starting = [place for place, name in enumerate(run.scenarios) if name in STARTING]
        compared = [place for place, name in enumerate(run.scenarios) if name in OF_SHARES]
        assert all(other - one > 3 for one, other in pairwise(starting)), run
        assert not any(there - one == 1 for one in starting for there in compared), run


def test_the_machine_bears_what_is_played_at_once() -> None:
    waiting, under_way = list(RUNS), list[Run]()
    while waiting:
        run = beside(under_way, waiting, per_second=900)
        waiting.remove(run)
        fitting = sum(one.most_per_second for one in under_way) + run.most_per_second <= 900
        assert fitting or run.most_per_second == min(one.most_per_second for one in (run, *waiting))
        under_way = [*under_way[-1:], run]


def test_intensities_can_be_chosen() -> None:
    assert {run.intensity for run in Plan(0, 1, 1, (), ("low", "high")).runs()} == {"low", "high", "benign"}


def test_the_choosing_seeds_have_benign_traffic_too() -> None:
    benign = [run for run in RUNS if run.is_benign and run.purpose == CHOOSING]
    assert 900 <= sum(run.seconds for run in benign) <= 1500
    assert not [run for run in Plan(0, 1, 60).runs() if run.purpose == CHOOSING]


def test_the_reporting_seeds_and_an_hour_take_less_than_an_hour_and_a_half_with_two_jobs() -> None:
    assert sum(run.seconds for run in RUNS) / 2 < 90 * 60


def test_a_run_takes_about_as_long_as_its_steps() -> None:
    run = Run("reporting-1-low-20-1", REPORTING, "low", 20, ("skew",))
    assert 40 < run.seconds < 70


def test_of_what_is_recorded_a_plan_takes_what_it_asks_for_whatever_its_seed() -> None:
    skew = Run("reporting-1007-low-20-1", REPORTING, "low", 20, ("skew", "two_at_once"))
    calm = Run("choosing-9-benign-20-1", CHOOSING, "benign", 20, ("steady",))

    assert all(Plan(1, 1, 60).takes(run) for run in (skew, calm))
    assert Plan(1, 1, 60, ("skew",), ("low", "high")).takes(skew)
    assert not Plan(1, 1, 60, ("skew",), ("high",)).takes(skew)
    assert not Plan(1, 1, 60, ("skew",)).takes(calm)
    assert Plan(1, 1, 60, intensities=("high",)).takes(calm)
