"""What the demo shows, as data."""

from loadtest import stories
from loadtest.scenarios import Scenario, Setting
from loadtest.scenarios.remedy import AsSuggested, NodeRatio, Outside, RefusedRatio, SetLimit, WaySeconds

SEEDS = range(60)
ANOMALIES = {"limit_breach", "spike", "skew", "slow_redis"}


def drawn() -> list[tuple[Setting, dict[str, Scenario]]]:
    """By name, for each of many seeds."""
    return [
        (setting, {scenario.name: scenario for scenario in played})
        for setting, played in map(stories.draw_all, SEEDS)
    ]


def rate_of(setting: Setting, scenario: Scenario, key: str) -> float:
    """That a client sends at, on average, in its last step."""
    return sum(
        stream.rate_per_second / len(stream.keys)
        for stream in scenario.steps[-1].load.streams
        if key in stream.keys
    )


def test_each_seed_shows_a_warm_up_and_then_three_anomalies_and_a_calm() -> None:
    for setting, played in drawn():
        assert len(played) == 5
        assert next(iter(played)) == "warm-up"
        assert {"limit_breach", "spike", "steady"} < set(played)
        assert len(set(played) & ANOMALIES) == 3
        assert len({client.id for client in setting.clients}) == len(setting.clients) == 30


def test_what_is_outside_is_now_one_and_now_the_other_and_the_order_is_another_each_time() -> None:
    assert {name for _, played in drawn() for name in played} == {*ANOMALIES, "steady", "warm-up"}
    assert len({tuple(played) for _, played in drawn()}) > 10


def test_a_seed_draws_the_same_again() -> None:
    assert stories.draw_all(5) == stories.draw_all(5)
    assert stories.draw_all(5) != stories.draw_all(6)


def test_each_anomaly_has_a_remedy_and_the_calm_has_none() -> None:
    for _, played in drawn():
        assert {name for name, scenario in played.items() if scenario.remedy} == set(played) & ANOMALIES


def test_who_is_over_its_limit_sends_more_than_that_and_less_than_the_one_that_it_gets() -> None:
    for setting, played in drawn():
        scenario = played["limit_breach"]
        assert scenario.remedy is not None
        action, figure = scenario.remedy.action, scenario.remedy.figure
        assert isinstance(action, SetLimit)
        assert figure == RefusedRatio(action.client_id)
        (client,) = (one for one in setting.clients if one.id == action.client_id)
        limit, rate = setting.limit_of(client), rate_of(setting, scenario, client.key)
        assert 1.5 < rate * limit.period_seconds / limit.quota < 2.05
        assert action.limit.period_seconds == limit.period_seconds  # so that its window goes on
        assert rate * limit.period_seconds < 0.6 * action.limit.quota


def test_who_is_caught_in_a_loop_is_let_through_until_somebody_holds_it() -> None:
    for setting, played in drawn():
        scenario = played["spike"]
        assert scenario.remedy is not None
        assert isinstance(scenario.remedy.action, AsSuggested)
        (sign,) = scenario.expected
        (client,) = (one for one in setting.clients if one.id == sign.id)
        limit, rate = setting.limit_of(client), rate_of(setting, scenario, client.key)
        assert 1.5 * setting.rate_per_second < rate < 0.85 * limit.quota / limit.period_seconds
        assert scenario.steps[0].load.rate_per_second > 1.9 * scenario.remedy.goal


def test_what_is_outside_is_measured_by_what_is_put_on_the_cluster() -> None:
    for _, played in drawn():
        for name, kind in (("skew", NodeRatio), ("slow_redis", WaySeconds)):
            scenario = played.get(name)
            if scenario is not None and scenario.remedy is not None:
                assert isinstance(scenario.remedy.action, Outside)
                assert isinstance(scenario.remedy.figure, kind)


def test_nobody_else_comes_near_its_limit() -> None:
    for setting, _ in drawn():
        usual = setting.rate_per_second / len(setting.clients)
        for client in setting.clients:
            limit = setting.limit_of(client)
            assert usual * limit.period_seconds < limit.quota / 2.9
