import random

import pytest

from subject.detectors.spikes import spikes
from subject.finding import CLUSTER, Finding, Target
from tests.unit.subject.builders import (
    NEVER,
    START,
    THRESHOLDS,
    NodeScript,
    Rate,
    always,
    cluster,
    even,
    poisson,
    policies,
    snapshot,
    steps,
)


def found(*nodes: NodeScript, seconds: int, **fields: object) -> list[Finding]:
    return spikes(cluster(*nodes, seconds=seconds, **fields), THRESHOLDS)


def with_client(requests: Rate, client: Rate, refused: Rate = NEVER) -> list[NodeScript]:
    return even(requests, clients={"acme": client, "beta": always(5)}, refused_clients={"acme": refused})


@pytest.mark.parametrize("usual", [5, 60, 500])
def test_five_times_the_usual_rate_is_a_spike_since_its_first_second(usual: int) -> None:
    nodes = even(steps((0, usual), (60, 5 * usual)))

    (spike,) = found(*nodes, seconds=65)

    assert spike.code == "spike_broad"
    assert spike.subject == CLUSTER
    assert spike.since == START + 60
    rate = spike.evidence[0]
    assert rate.baseline == pytest.approx(usual, rel=0.01)
    assert rate.now == pytest.approx(5 * usual, rel=0.1)


def test_a_spike_is_seen_within_three_seconds() -> None:
    assert found(*even(steps((0, 60), (60, 200))), seconds=63)


def test_half_again_the_usual_rate_is_no_spike() -> None:
    assert not found(*even(steps((0, 60), (60, 90))), seconds=65)


def test_just_above_the_thresholds_is_one() -> None:
    # Five standard deviations of Poisson traffic above 60 are 98.7, half again and one are 91.
    assert not found(*even(steps((0, 60), (60, 98))), seconds=66)
    assert found(*even(steps((0, 60), (60, 100))), seconds=66)


def test_one_busy_second_is_no_spike() -> None:
    assert not found(NodeScript(requests=steps((0, 60), (60, 400), (61, 60))), seconds=62)


def test_a_spike_ends_when_the_load_is_back() -> None:
    assert not found(*even(steps((0, 60), (60, 400), (80, 60))), seconds=85)


def test_the_start_of_traffic_is_no_spike() -> None:
    nodes = even(steps((0, 0), (50, 300)))

    assert not any(found(*nodes, seconds=seconds) for seconds in range(51, 80))


def test_traffic_that_comes_back_after_a_pause_is_no_spike() -> None:
    nodes = even(steps((0, 60), (40, 0), (60, 60)))

    assert not any(found(*nodes, seconds=seconds) for seconds in range(58, 75))


def test_a_new_level_becomes_the_usual_one() -> None:
    nodes = even(steps((0, 20), (30, 200)))

    assert found(*nodes, seconds=100)
    assert not found(*nodes, seconds=190)


def test_a_client_that_makes_up_the_excess_is_named() -> None:
    nodes = with_client(steps((0, 20), (60, 90)), steps((0, 2), (60, 72)))

    (spike,) = found(*nodes, seconds=66, policies=policies("9000/m"))

    assert spike.code == "spike_single"
    assert spike.subject == Target("client", "acme")
    assert spike.suggested_action.startswith("subject limits set acme 540/m --why ")


def test_what_is_suggested_ends_by_itself_and_leaves_a_quiet_client_something() -> None:
    nodes = with_client(steps((0, 20), (60, 90)), steps((0, 2), (60, 72)))
    quiet = with_client(steps((0, 20), (60, 90)), steps((0, 0), (50, 1), (52, 0), (60, 72)))

    (one,), (other,) = (found(*each, seconds=66, policies=policies("9000/m")) for each in (nodes, quiet))

    assert one.suggested_action.endswith(" --for 10m")
    assert other.suggested_action.startswith("subject limits set acme 60/m --why ")


def test_each_window_is_capped_that_lets_more_through() -> None:
    nodes = with_client(steps((0, 20), (60, 90)), steps((0, 2), (60, 72)))

    (spike,) = found(*nodes, seconds=66, policies=policies("5/s,9000/m,100000/d"))

    assert spike.suggested_action.startswith("subject limits set acme 5/s,540/m,100000/d --why ")


def test_the_usual_of_a_client_is_that_of_the_seconds_in_which_the_cluster_was_not_idle() -> None:
    nodes = with_client(steps((0, 40), (24, 0), (60, 250)), steps((0, 13), (24, 0), (60, 83)))

    (spike,) = found(*nodes, seconds=66, policies=policies("9000/m"))

    assert "acme sends 239 requests a second (before: 39)" in spike.summary
    assert spike.suggested_action.startswith("subject limits set acme 3510/m --why ")


def test_a_second_spike_two_minutes_after_the_first_is_seen() -> None:
    records = [
        one for node in even(steps((0, 200), (6, 0), (30, 30), (120, 180))) for one in node.records(126)
    ]

    (spike,) = spikes(snapshot(records), THRESHOLDS)

    assert spike.since == START + 120
    assert spike.evidence[0].baseline == pytest.approx(30, rel=0.01)


def test_a_client_whose_limit_holds_it_already_gets_no_new_one() -> None:
    nodes = with_client(steps((0, 60), (60, 270)), steps((0, 2), (60, 72)), steps((0, 0), (60, 70)))

    (spike,) = found(*nodes, seconds=66, policies=policies("100/m"))

    assert spike.suggested_action == "subject limits get acme"


def test_a_client_that_was_always_busy_does_not_make_a_broad_spike_its_own() -> None:
    nodes = with_client(steps((0, 120), (60, 600)), always(35))

    (spike,) = found(*nodes, seconds=66)

    assert spike.code == "spike_broad"


def test_a_spike_of_random_traffic_is_seen_and_its_start_known() -> None:
    generator = random.Random(4)
    calm, wild = poisson(generator, 20), poisson(generator, 100)
    nodes = [
        NodeScript(f"node-{n}", lambda second: (wild if second >= 60 else calm)(second), phase=n / 4)
        for n in (1, 2, 3)
    ]

    (spike,) = found(*nodes, seconds=67)

    assert spike.since == pytest.approx(START + 60, abs=1)


def test_a_client_that_was_on_no_full_list_is_still_known_from_the_first_seconds() -> None:
    generator = random.Random(5)
    crowd: dict[str, Rate] = {f"client-{n}": poisson(generator, 1) for n in range(40)}
    quiet = steps((0, 0), (5, 1), (6, 0), (60, 60))
    nodes = even(steps((0, 120), (60, 300)), clients={**crowd, "acme": quiet})

    (spike,) = found(*nodes, seconds=64)

    assert spike.subject == Target("client", "acme")
    share = next(item.now for item in spike.evidence if item.metric == "share_of_excess")
    assert share == pytest.approx(1, abs=0.1)
