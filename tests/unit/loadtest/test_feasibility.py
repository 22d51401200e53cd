"""Which scenarios are what they say on a cluster with limits of its own."""

import pytest

from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from gateway.contract.limits import Limit
from loadtest import scenarios
from loadtest.scenarios import Chance, Client, Scenario, Setting, Sign
from loadtest.scenarios.feasibility import why_not
from loadtest.scenarios.poisson import capped

ANYWHERE = [name for name in scenarios.NAMES if name not in scenarios.FAULTS]
USUAL = Limit(100, 60)
"""What a gateway has that nobody told another one."""


def setting(
    limit: Limit = USUAL,
    rate: float = 30.0,
    clients: int = 161,
    nodes: int = 2,
    others: tuple[Limit, ...] = (),
) -> Setting:
    keys = [f"key-{number}" for number in range(clients)]
    named = tuple(Client(key, unknown_client_id(key, DEFAULT_SECRET)) for key in keys)
    return Setting(tuple(f"node-{number}" for number in range(nodes)), named, rate, limit, 0.05, others)


def drawn(name: str, where: Setting, seed: int = 1) -> Scenario:
    return scenarios.draw(name, where, Chance(seed))


def reason(name: str, where: Setting, *, takes_new_keys: bool = True) -> str:
    return str(why_not(drawn(name, where), where, takes_new_keys=takes_new_keys) or "")


def test_what_takes_the_processes_of_a_cluster_is_told_from_what_is_load_alone() -> None:
    assert set(ANYWHERE) == {
        *(
            "steady",
            "poisson",
            "bursty",
            "ramp",
            "day_curve",
            "onset",
            "spike",
            "spike_broad",
            "spike_single",
        ),
        *("skew", "limit_breach", "retry_storm", "hot_key", "cardinality_attack", "traffic_drop"),
    }


@pytest.mark.parametrize("name", [name for name in ANYWHERE if name != "hot_key"])
def test_each_can_be_done_with_the_limit_that_a_gateway_has_by_itself(name: str) -> None:
    for seed in range(30):
        where = setting()
        assert why_not(drawn(name, where, seed), where, takes_new_keys=True) is None


def test_all_can_be_done_on_a_cluster_of_our_own() -> None:
    for name in ANYWHERE:
        for seed in range(30):
            where = scenarios.draw_setting(Chance(seed))
            assert why_not(drawn(name, where, seed), where, takes_new_keys=True) is None


def test_a_hot_key_needs_a_limit_that_lets_it_be_hot() -> None:
    assert "which is hardly any" in reason("hot_key", setting())
    assert reason("hot_key", setting(Limit(1000, 10), rate=60)) == ""


def test_a_skew_takes_two_nodes_and_made_up_keys_somebody_who_takes_them() -> None:
    assert "two nodes or more" in reason("skew", setting(nodes=1))
    assert "registered ones only" in reason("cardinality_attack", setting(), takes_new_keys=False)


def test_nothing_is_sent_that_the_generator_cannot_send() -> None:
    assert "would send" in reason("retry_storm", setting(Limit(10_000, 60)))


def test_no_window_is_filled_for_minutes() -> None:
    assert "to fill a window of 5000/h" in reason("limit_breach", setting(Limit(5000, 3600)))
    assert "to fill a window of 1000/h" in reason("retry_storm", setting(Limit(1000, 3600)))


def test_clients_are_not_refused_that_are_not_meant() -> None:
    assert "take a lower --rate" in reason("spike_broad", setting(clients=30)).lower()
    assert "at once" in reason("bursty", setting(others=(Limit(6, 1),)))


@pytest.mark.parametrize("nodes", [2, 3, 8])
def test_a_skew_is_one_with_any_number_of_nodes(nodes: int) -> None:
    for seed in range(30):
        where = setting(nodes=nodes)
        (stream,) = drawn("skew", where, seed).steps[0].load.streams
        assert sum(stream.node_weights) == pytest.approx(1)
        assert max(stream.node_weights) > (0.75 if nodes == 2 else 1.5 / nodes)


def test_a_single_spike_within_its_limit_is_no_breach_of_it() -> None:
    where = setting(Limit(100_000, 60))
    breach = Sign("limit_breach", "client", drawn("spike_single", where).expected[0].id)
    assert breach not in drawn("spike_single", where).expected
    assert breach in drawn("spike_single", where).allowed


def test_a_breach_begins_once_the_window_is_full() -> None:
    scenario = drawn("limit_breach", setting())
    rate = scenario.steps[0].load.streams[1].rate_per_second
    assert scenario.steps[0].seconds > USUAL.quota / rate


def test_rates_above_a_bound_are_spread_over_the_others() -> None:
    assert capped([6.0, 2.0, 2.0], 4.0) == pytest.approx([4.0, 3.0, 3.0])
    assert capped([6.0, 3.0, 1.0], 3.5) == pytest.approx([3.5, 3.5, 3.0])
    assert capped([6.0, 2.0], 1.0) == [1.0, 1.0]
    assert capped([1.0, 2.0], 3.0) == [1.0, 2.0]


def test_what_a_client_can_bear_leaves_room_for_chance() -> None:
    assert setting(Limit(100, 60)).bearable_per_second == pytest.approx(1.12, abs=0.01)
    assert setting(Limit(100, 60), others=(Limit(5, 1),)).bearable_per_second == pytest.approx(1.0)
    assert setting(Limit(1, 1)).bearable_per_second > 0
