"""What stands in the windows of a request → whether it passes, what remains, how long to wait."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.limiter import decision
from gateway.limiter.charge import Charge
from gateway.limiter.decision import Standing
from gateway.limiter.moment import Moment
from gateway.limiter.reading import Readings
from gateway.limiter.view import View
from tests.unit.gateway.limiter.builders import NOW, TEN, THIS, hash_reply, read


def view(fields: Mapping[int, int], at: int = NOW, period_seconds: int = 60) -> View:
    """A window as Redis told it, without the units to be decided about."""
    told = View("k", period_seconds)
    read(told, fields, at)
    return told


def standings(before: Mapping[int, int], *limits: Limit, at: int = NOW, cost: int = 1) -> list[Standing]:
    """How requests with these limits stand, one after the other."""
    window_view = view(before, at)
    return [decision.decide([Charge("k", limit, cost)], [window_view], at)[0] for limit in limits]


def admitted(before: Mapping[int, int], *limits: Limit, at: int = NOW) -> list[bool]:
    return [standing.admitted for standing in standings(before, *limits, at=at)]


def test_the_first_places_of_a_batch_are_admitted_and_the_rest_refused() -> None:
    assert admitted({THIS - 30: 7}, *[TEN] * 5) == [True, True, True, False, False]


def test_units_counted_by_others_in_the_same_sub_interval_stand_before() -> None:
    assert admitted({THIS: 9}, TEN) == [True]
    assert admitted({THIS: 10}, TEN) == [False]


def test_the_next_sub_interval_counts_since_a_faster_node_may_have_written_it() -> None:
    assert admitted({THIS + 1: 10}, TEN) == [False]


def test_a_field_of_a_broken_clock_is_ignored_and_named() -> None:
    assert admitted({THIS + 2: 1000}, TEN) == [True]
    reading = Readings().read(hash_reply({THIS: 1, THIS + 1: 1, THIS + 2: 1000}), Moment(NOW, 60))
    assert (reading.expired, reading.ahead) == ((), 1)


def test_the_oldest_sub_interval_counts_in_full_and_the_one_before_not_at_all() -> None:
    oldest = window.oldest_counted(NOW, 60)
    assert admitted({oldest: 10}, TEN) == [False]
    assert admitted({oldest - 1: 10}, TEN) == [True]


def test_a_negative_counter_makes_no_room() -> None:
    assert admitted({THIS - 1: -5, THIS - 2: 10}, TEN) == [False]
    assert admitted({THIS: -4, THIS - 2: 10}, TEN) == [False]
    assert admitted({THIS + 1: -4, THIS - 2: 10}, TEN) == [False]


def test_a_refused_request_takes_no_place_from_one_with_a_higher_limit_behind_it() -> None:
    assert admitted({THIS: 10}, TEN, Limit(11, 60)) == [False, True]


def test_what_remains_falls_by_one_with_each_admission() -> None:
    assert [standing.remaining for standing in standings({}, *[TEN] * 3)] == [9, 8, 7]


def test_a_client_that_waits_as_told_is_admitted_and_one_microsecond_earlier_it_is_not() -> None:
    fields = {THIS - 40: 4, THIS - 20: 6}
    (standing,) = standings(fields, TEN)
    assert not standing.admitted
    later = NOW + round(standing.wait_seconds * 1_000_000)
    for at, expected in [(later - 1, False), (later, True)]:
        assert admitted(fields, TEN, at=at) == [expected]


def test_after_a_lowered_limit_the_wait_covers_all_that_stands_above_it() -> None:
    (standing,) = standings({THIS - 40: 4, THIS - 20: 6}, Limit(3, 60))
    assert NOW + round(standing.wait_seconds * 1_000_000) == window.leaves_at(THIS - 20, 60)


@pytest.mark.parametrize("period", [1, 10, 60, 86400])
def test_a_batch_is_timely_within_e_of_its_stamp_on_both_sides_and_no_further(period: int) -> None:
    tolerance = window.stamp_tolerance(period)
    assert decision.error(NOW, (NOW - tolerance, NOW + tolerance)) <= Moment(NOW, period).tolerance
    assert decision.error(NOW, (NOW, NOW + tolerance + 1)) > Moment(NOW, period).tolerance
    assert decision.error(NOW, (NOW - tolerance - 1, NOW)) > Moment(NOW, period).tolerance


def test_only_fields_that_no_node_counts_any_more_are_dead() -> None:
    kept = window.oldest_kept(NOW, 60)
    reading = Readings().read(hash_reply(dict.fromkeys([kept - 1, kept, THIS], 1)), Moment(NOW, 60))
    assert (reading.expired, reading.ahead) == ((kept - 1,), 0)


@given(
    st.dictionaries(st.integers(THIS - 63, THIS + 2), st.integers(-2, 9), max_size=20),
    st.integers(0, 999_999),
    st.integers(0, 60),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.booleans(),
)
def test_one_charge_is_decided_about_as_several_would_be(
    fields: dict[int, int], later: int, quota: int, costs: list[int], shadow: bool
) -> None:
    at = NOW + later
    one, plain = view(fields, at), view(fields, at)
    for cost in costs:
        charge = Charge("k", Limit(quota, 60), cost, shadow)
        standing = decision.decide_one(charge, one, Moment(at, 60), at)
        assert (standing,) == decision.decide([charge], [plain], at)
        assert one.last_total == plain.last_total
