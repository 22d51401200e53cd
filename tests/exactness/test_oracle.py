from itertools import product
from random import Random

import pytest

from gateway.contract.limits import Limit
from tests.exactness import oracle, schedule
from tests.exactness.schedule import Shot
from tests.exactness.volley import Answer

TWO_A_SECOND = Limit(2, 1)


def answer(sent: float, arrived: float | None, *, due: float | None = None) -> Answer:
    return Answer(
        0,
        Shot(0.0, "key", 0),
        sent if due is None else due,
        sent,
        sent + 0.1,
        200 if arrived else 429,
        arrived,
    )


def admitted(*times: float) -> list[Answer]:
    return [answer(at, at) for at in times]


def test_one_request_too_many_in_a_window_of_any_alignment_is_seen() -> None:
    times = admitted(0.9, 1.0, 1.8)
    assert oracle.fullest(times, TWO_A_SECOND) == 3
    assert oracle.fullest_at_upstream(times, TWO_A_SECOND) == 3


def test_a_request_leaves_the_window_after_exactly_a_period() -> None:
    assert oracle.fullest(admitted(0.5, 0.75, 1.5, 1.75), TWO_A_SECOND) == 2
    assert oracle.most_within([0.5, 0.75, 1.5, 1.75], 1.0) == 2


def test_what_may_have_been_counted_outside_of_the_window_is_no_breach() -> None:
    assert oracle.fullest([*admitted(1.0, 1.2), answer(1.9, 2.1)], TWO_A_SECOND) == 2


def test_a_refused_request_is_in_no_window() -> None:
    assert oracle.fullest([*admitted(1.0, 1.2), answer(1.3, None)], TWO_A_SECOND) == 2


@pytest.mark.parametrize("seed", range(20))
def test_no_limiter_admits_more_than_the_oracle(seed: int) -> None:
    """All subsets of a few requests that keep both limits, against the one that takes whenever it can."""
    random = Random(seed)
    limits = (Limit(2, 1), Limit(3, 3))
    times = sorted(random.uniform(0, 5) for _ in range(11))
    kept = [
        chosen
        for chosen in (
            [t for t, taken in zip(times, mask, strict=True) if taken] for mask in product((0, 1), repeat=11)
        )
        if all(oracle.most_within(chosen, limit.period_seconds) <= limit.quota for limit in limits)
    ]
    assert oracle.admissible(times, limits) == max(map(len, kept))


def test_the_last_excess_is_the_last_request_that_had_too_many_before_it() -> None:
    times = admitted(1.0, 1.1, 1.2, 1.3, 2.5, 2.6)
    assert oracle.last_excess(times, TWO_A_SECOND) == 1.3
    assert oracle.last_excess(admitted(1.0, 1.1, 2.0, 2.1), TWO_A_SECOND) is None


def test_exactness_is_back_after_the_last_request_that_has_to_be_left_out_for_it() -> None:
    times = admitted(1.0, 1.1, 1.2, 1.3, 2.35, 2.4)
    assert oracle.exact_after(times, TWO_A_SECOND, 0.5) == pytest.approx(0.6)
    assert oracle.exact_after(times, TWO_A_SECOND, 1.25) == 0.0


def test_a_percentile_is_a_value_that_was_there() -> None:
    assert oracle.percentile([3, 1, 2, 4], 50) == 2
    assert oracle.percentile(range(1, 101), 99) == 99
    assert oracle.percentile([7], 99) == 7


def test_a_schedule_is_the_same_for_the_same_seed_and_keeps_its_rate() -> None:
    one = schedule.poisson("key", 100, 10, (0, 1, 2), Random(5))
    assert one == schedule.poisson("key", 100, 10, (0, 1, 2), Random(5))
    assert len(one) == 1000
    assert {shot.node for shot in one} == {0, 1, 2}


def test_even_traffic_takes_the_nodes_in_turn() -> None:
    shots = schedule.even("key", 10, 1, (0, 1, 2), start=2.0)
    assert [shot.node for shot in shots] == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
    assert shots[-1].at == pytest.approx(2.9)
    assert [shot.at for shot in schedule.together(shots[5:], shots[:5])] == [shot.at for shot in shots]
