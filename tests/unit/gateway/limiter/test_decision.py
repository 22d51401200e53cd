"""What stands in the windows of a request → whether it passes, what remains, how long to wait."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.limiter import decision
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.frame import SubIntervalFrame
from gateway.limiter.window_cache import CachedWindow, HashParser
from tests.unit.gateway.limiter.builders import NOW, TEN, THIS, hash_reply, read


def cached(fields: Mapping[int, int], at: int = NOW, period_seconds: int = 60) -> CachedWindow:
    """A window as Redis told it, without the units to be decided about."""
    told = CachedWindow("k", period_seconds)
    read(told, fields, at)
    return told


def statuses(before: Mapping[int, int], *limits: Limit, at: int = NOW, cost: int = 1) -> list[WindowStatus]:
    """How requests with these limits stand, one after the other."""
    window_view = cached(before, at)
    return [decision.decide([Hit("k", limit, cost)], [window_view], at)[0] for limit in limits]


def admitted(before: Mapping[int, int], *limits: Limit, at: int = NOW) -> list[bool]:
    return [status.admitted for status in statuses(before, *limits, at=at)]


def test_the_first_places_of_a_batch_are_admitted_and_the_rest_refused() -> None:
    assert admitted({THIS - 30: 7}, *[TEN] * 5) == [True, True, True, False, False]


def test_units_counted_by_others_in_the_same_sub_interval_stand_before() -> None:
    assert admitted({THIS: 9}, TEN) == [True]
    assert admitted({THIS: 10}, TEN) == [False]


def test_the_next_sub_interval_counts_since_a_faster_node_may_have_written_it() -> None:
    assert admitted({THIS + 1: 10}, TEN) == [False]


def test_a_field_of_a_broken_clock_is_ignored_and_named() -> None:
    assert admitted({THIS + 2: 1000}, TEN) == [True]
    snapshot = HashParser().parse(
        hash_reply({THIS: 1, THIS + 1: 1, THIS + 2: 1000}), SubIntervalFrame(NOW, 60)
    )
    assert (snapshot.expired, snapshot.future_fields) == ((), 1)


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
    assert [status.remaining for status in statuses({}, *[TEN] * 3)] == [9, 8, 7]


def test_a_client_that_waits_as_told_is_admitted_and_one_microsecond_earlier_it_is_not() -> None:
    fields = {THIS - 40: 4, THIS - 20: 6}
    (status,) = statuses(fields, TEN)
    assert not status.admitted
    later = NOW + round(status.wait_seconds * 1_000_000)
    for at, expected in [(later - 1, False), (later, True)]:
        assert admitted(fields, TEN, at=at) == [expected]


def test_after_a_lowered_limit_the_wait_covers_all_that_stands_above_it() -> None:
    (status,) = statuses({THIS - 40: 4, THIS - 20: 6}, Limit(3, 60))
    assert NOW + round(status.wait_seconds * 1_000_000) == window.leaves_at(THIS - 20, 60)


@pytest.mark.parametrize("period", [1, 10, 60, 86400])
def test_a_batch_is_timely_within_e_of_its_stamp_on_both_sides_and_no_further(period: int) -> None:
    tolerance = window.stamp_tolerance(period)
    assert (
        decision.stamp_error(NOW, (NOW - tolerance, NOW + tolerance))
        <= SubIntervalFrame(NOW, period).tolerance
    )
    assert decision.stamp_error(NOW, (NOW, NOW + tolerance + 1)) > SubIntervalFrame(NOW, period).tolerance
    assert decision.stamp_error(NOW, (NOW - tolerance - 1, NOW)) > SubIntervalFrame(NOW, period).tolerance


def test_only_fields_that_no_node_counts_any_more_are_dead() -> None:
    kept = window.oldest_kept(NOW, 60)
    snapshot = HashParser().parse(
        hash_reply(dict.fromkeys([kept - 1, kept, THIS], 1)), SubIntervalFrame(NOW, 60)
    )
    assert (snapshot.expired, snapshot.future_fields) == ((kept - 1,), 0)


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
    one, plain = cached(fields, at), cached(fields, at)
    for cost in costs:
        hit = Hit("k", Limit(quota, 60), cost, shadow)
        status = decision.decide_one(hit, one, SubIntervalFrame(at, 60), at)
        assert (status,) == decision.decide([hit], [plain], at)
        assert one.last_total == plain.last_total
