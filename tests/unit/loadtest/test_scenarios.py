"""Scenarios as data: what each draw can come to."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from loadtest import scenarios
from loadtest.load import Load
from loadtest.scenarios import Chance, Scenario, Setting, Sign, Step
from loadtest.scenarios.fault import (
    Fault,
    NodeClock,
    NodeKilled,
    NodeRestarted,
    NodeTwice,
    RedisFrozen,
    RedisKilled,
    RedisSlow,
)
from loadtest.scenarios.uncertain import uncertain_nodes

SEEDS = range(60)
DETECTORS = Path(__file__).parents[3] / "docs/detectors.md"


def setting(seed: int = 1) -> Setting:
    return scenarios.draw_setting(Chance(seed))


def drawn(name: str) -> list[tuple[Setting, Scenario]]:
    """One scenario for each of many seeds, with its setting."""
    settings = [setting(seed) for seed in SEEDS]
    return [(s, scenarios.draw(name, s, Chance(seed))) for seed, s in zip(SEEDS, settings, strict=True)]


def node_rates(load: Load, nodes: int) -> list[float]:
    """Requests a second that each node gets, on average."""
    streams = [(stream.rate_per_second, stream.node_weights or (1.0,) * nodes) for stream in load.streams]
    return [sum(rate * weights[node] / sum(weights) for rate, weights in streams) for node in range(nodes)]


def longest_seconds(scenario: Scenario) -> float:
    return sum(step.seconds for step in scenario.steps)


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_each_is_well_formed(name: str) -> None:
    for where, scenario in drawn(name):
        assert scenario.name == name
        assert 5 <= longest_seconds(scenario) <= 120
        assert 0 <= scenario.begins < len(scenario.steps)
        known = {*where.node_ids, *(client.id for client in where.clients), None}
        assert {sign.id for sign in scenario.expected + scenario.allowed} <= known
        assert not set(scenario.expected) & set(scenario.allowed)


def test_every_code_has_a_scenario_that_expects_it() -> None:
    headings = re.findall(r"^## ([a-z_, ]+)$", DETECTORS.read_text(), re.MULTILINE)
    codes = {code for heading in headings for code in heading.split(", ")}
    expected = {sign.code for name in scenarios.NAMES for _, one in drawn(name) for sign in one.expected}
    assert expected == codes


@pytest.mark.parametrize("name", scenarios.BENIGN)
def test_nothing_may_be_found_in_a_benign_one(name: str) -> None:
    assert all(not one.expected and not one.allowed for _, one in drawn(name))


def test_something_is_expected_in_each_of_the_others() -> None:
    assert all(one.expected for name in scenarios.ANOMALIES for _, one in drawn(name))
    assert {*scenarios.BENIGN, *scenarios.ANOMALIES, "spike"} == {*scenarios.NAMES}


@pytest.mark.parametrize("name", ["spike", "skew", "slow_redis"])
def test_seeds_draw_differently_and_a_seed_draws_the_same(name: str) -> None:
    where = setting()
    assert len({scenarios.draw(name, where, Chance(seed)).injected for seed in SEEDS}) >= 4
    assert scenarios.draw(name, where, Chance(5)) == scenarios.draw(name, where, Chance(5))


@pytest.mark.parametrize(
    ("name", "strength"),
    [
        ("skew", lambda where, one: max(node_rates(one.steps[0].load, 3)) / where.rate_per_second),
        ("spike", lambda where, one: one.steps[0].load.rate_per_second / where.rate_per_second),
        ("traffic_drop", lambda where, one: 1 - one.steps[0].load.rate_per_second / where.rate_per_second),
        ("slow_redis", lambda _, one: one.steps[0].faults[0].delay_seconds),
        ("upstream_errors", lambda _, one: one.steps[0].faults[0].failing_ratio),
    ],
)
def test_each_third_of_the_strengths_is_stronger_than_the_one_before(
    name: str, strength: Callable[[Setting, Scenario], float]
) -> None:
    where, thirds = setting(), [(0.0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1.0)]
    drawn = [
        [strength(where, scenarios.draw(name, where, Chance.within(third, seed))) for seed in SEEDS]
        for third in thirds
    ]

    assert all(len(set(found)) > 1 for found in drawn)
    for weaker, stronger in pairwise(drawn):
        assert max(weaker) <= min(stronger) + 0.05 * (max(stronger) - min(weaker))


def test_what_goes_to_a_limit_is_as_much_of_the_traffic_at_any_usual_rate() -> None:
    limits = [scenarios.draw_setting(Chance(1), rate).limit for rate in (5, 60, 90, 300)]

    assert [str(limit) for limit in limits] == ["50/10s", "200/10s", "300/10s", "1000/10s"]


def test_every_node_is_drawn_for_a_skew() -> None:
    assert {scenario.expected[0].id for _, scenario in drawn("skew")} == {"node-1", "node-2", "node-3"}


def test_a_skew_sends_as_many_requests_as_usual_and_most_to_the_node_that_it_names() -> None:
    for where, scenario in drawn("skew"):
        load = scenario.steps[0].load
        rates = node_rates(load, len(where.node_ids))
        assert load.rate_per_second == pytest.approx(where.rate_per_second)
        assert where.node_ids[rates.index(max(rates))] == scenario.expected[0].id
        assert max(rates) / sum(rates) >= 0.7


def test_a_spike_is_three_to_six_times_the_usual_and_even_over_the_nodes() -> None:
    for where, scenario in drawn("spike"):
        load = scenario.steps[0].load
        rates = node_rates(load, len(where.node_ids))
        assert 3 <= load.rate_per_second / where.rate_per_second <= 6.0001
        assert all(one == pytest.approx(other) for one, other in pairwise(rates))


def test_a_spike_of_one_client_goes_over_its_limit_and_a_broad_one_does_not() -> None:
    kinds = set()
    for where, scenario in drawn("spike"):
        allowed_per_second = where.limit.quota / where.limit.period_seconds
        streams = scenario.steps[0].load.streams
        kinds.add(scenario.expected[0].code)
        if scenario.expected[0].code == "spike_single":
            assert streams[1].rate_per_second > 2 * allowed_per_second
            assert Sign("limit_breach", "client", scenario.expected[0].id) in scenario.expected
        else:
            per_client = streams[0].rate_per_second / len(where.clients)
            assert per_client < 0.75 * allowed_per_second
    assert kinds == {"spike_single", "spike_broad"}


def test_a_slow_redis_stays_well_within_the_nodes_deadline() -> None:
    for where, scenario in drawn("slow_redis"):
        (fault,) = scenario.steps[0].faults
        assert isinstance(fault, RedisSlow)
        assert 0.05 <= 2 * fault.delay_seconds <= 0.2 * where.store_deadline_seconds


def test_a_node_that_is_cut_off_waits_past_its_deadline() -> None:
    for where, scenario in drawn("redis_cut_off"):
        (fault,) = scenario.steps[0].faults
        assert isinstance(fault, RedisSlow)
        assert 2 * fault.delay_seconds > where.store_deadline_seconds
        assert scenario.expected == (Sign("fallback_active", "node", *fault.node_ids),)


@pytest.mark.parametrize("name", ["node_kill", "node_flap", "clock_skew", "config_drift", "rolling_restart"])
def test_a_node_that_is_taken_down_in_order_gets_nothing_meanwhile(name: str) -> None:
    for where, scenario in drawn(name):
        for before, step in pairwise((scenario.steps[0], *scenario.steps)):
            for fault in step.faults:
                if isinstance(fault, NodeRestarted | NodeClock):
                    place = where.node_ids.index(fault.node_id)
                    for load in (before.load, step.load):
                        assert node_rates(load, len(where.node_ids))[place] == 0


def test_a_hot_key_and_a_client_beyond_its_limit_are_no_spike() -> None:
    for name in ("hot_key", "limit_breach"):
        for where, scenario in drawn(name):
            for step in scenario.steps:
                assert step.load.rate_per_second < 1.5 * where.rate_per_second


def test_one_client_is_within_its_limit_where_it_is_a_hot_key_and_beyond_it_in_a_breach() -> None:
    for name, is_within in (("hot_key", True), ("limit_breach", False), ("retry_storm", False)):
        for where, scenario in drawn(name):
            own = scenario.steps[0].load.streams[1].rate_per_second
            assert (own < 0.9 * where.limit.quota / where.limit.period_seconds) == is_within


def with_faults(*faults: Fault) -> Scenario:
    return Scenario("some", "some faults", (Step(1.0, setting().usual, faults),), expected=())


def test_counts_are_lost_with_a_node_that_is_killed_and_not_with_one_that_leaves_in_order() -> None:
    played = [with_faults(NodeRestarted("node-1")), with_faults(NodeKilled("node-2"), NodeTwice("node-3"))]
    assert uncertain_nodes(played) == {"node-2"}


def test_a_redis_that_loses_its_data_loses_the_counts_of_boots_before_the_present_one() -> None:
    before, after = with_faults(NodeRestarted("node-1")), with_faults(NodeClock("node-2", 5))
    assert uncertain_nodes([before, with_faults(RedisKilled()), after]) == {"node-1"}
    assert uncertain_nodes([before, with_faults(RedisFrozen()), after]) == set()


def test_the_usual_load_is_far_from_the_limit() -> None:
    for seed in SEEDS:
        where = setting(seed)
        per_client = where.rate_per_second / len(where.clients)
        assert per_client * where.limit.period_seconds < where.limit.quota / 5


def test_clients_have_the_ids_that_nodes_give_them() -> None:
    for client in setting().clients:
        assert client.id == unknown_client_id(client.key, DEFAULT_SECRET)
        assert re.fullmatch(r"k_[0-9a-f]{16}", client.id)


def test_the_warm_up_is_longer_than_a_baseline_needs() -> None:
    assert longest_seconds(scenarios.warm_up(setting())) > 15
