"""One key's replies → who is admitted, what remains, how long to wait."""

import pytest

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.limiter import decision

NOW = 1_800_000_000_000_000
MINUTE = Limit(10, 60)
THIS = window.sub_interval(NOW, 60)


def admitted(after: int, units: int, fields: dict[int, int], limit: Limit = MINUTE) -> list[bool]:
    reading = decision.read(NOW, limit.period_seconds, units, after, fields)
    return [standing.admitted for standing in decision.decide(reading, [limit] * units)]


def test_the_first_places_of_a_batch_are_admitted_and_the_rest_refused() -> None:
    assert admitted(after=5, units=5, fields={THIS: 5, THIS - 30: 7}) == [True, True, True, False, False]


def test_units_counted_by_others_in_the_same_sub_interval_stand_before() -> None:
    assert admitted(after=10, units=1, fields={THIS: 14}) == [True]
    assert admitted(after=11, units=1, fields={THIS: 14}) == [False]


def test_the_next_sub_interval_counts_since_a_faster_node_may_have_written_it() -> None:
    assert admitted(after=1, units=1, fields={THIS: 1, THIS + 1: 10}) == [False]


def test_a_field_of_a_broken_clock_is_ignored_and_named() -> None:
    assert admitted(after=1, units=1, fields={THIS: 1, THIS + 2: 1000}) == [True]
    assert decision.stray({THIS: 1, THIS + 1: 1, THIS + 2: 1000}, NOW, 60) == ([], [THIS + 2])


def test_the_oldest_sub_interval_counts_in_full_and_the_one_before_not_at_all() -> None:
    oldest = window.oldest_counted(NOW, 60)
    assert admitted(after=1, units=1, fields={THIS: 1, oldest: 10}) == [False]
    assert admitted(after=1, units=1, fields={THIS: 1, oldest - 1: 10}) == [True]


def test_a_negative_counter_makes_no_room() -> None:
    assert admitted(after=1, units=1, fields={THIS: 1, THIS - 1: -5, THIS - 2: 10}) == [False]
    assert admitted(after=-3, units=1, fields={THIS: -3, THIS - 2: 10}) == [False]


def test_a_refused_request_takes_no_place_from_one_with_a_higher_limit_behind_it() -> None:
    reading = decision.read(NOW, 60, 2, 12, {THIS: 12})
    standings = decision.decide(reading, [MINUTE, Limit(11, 60)])
    assert [standing.admitted for standing in standings] == [False, True]


def test_what_remains_falls_by_one_with_each_admission() -> None:
    reading = decision.read(NOW, 60, 3, 3, {THIS: 3})
    assert [standing.remaining for standing in decision.decide(reading, [MINUTE] * 3)] == [9, 8, 7]


def test_a_client_that_waits_as_told_is_admitted_and_one_microsecond_earlier_it_is_not() -> None:
    fields = {THIS - 40: 4, THIS - 20: 6}
    reading = decision.read(NOW, 60, 1, 1, {**fields, THIS: 1})
    (standing,) = decision.decide(reading, [MINUTE])
    assert not standing.admitted
    later = NOW + round(standing.wait_seconds * 1_000_000)
    for at, expected in [(later - 1, False), (later, True)]:
        again = decision.read(at, 60, 1, 1, fields)
        assert decision.decide(again, [MINUTE])[0].admitted is expected


def test_after_a_lowered_limit_the_wait_covers_all_that_stands_above_it() -> None:
    fields = {THIS - 40: 4, THIS - 20: 6}
    lowered = Limit(3, 60)
    (standing,) = decision.decide(decision.read(NOW, 60, 1, 1, fields), [lowered])
    assert NOW + round(standing.wait_seconds * 1_000_000) == window.leaves_at(THIS - 20, 60)


@pytest.mark.parametrize("period", [1, 10, 60, 86400])
def test_a_batch_is_timely_within_e_of_its_stamp_on_both_sides_and_no_further(period: int) -> None:
    tolerance = window.stamp_tolerance(period)
    assert decision.timely(NOW, period, [NOW - tolerance, NOW + tolerance])
    assert not decision.timely(NOW, period, [NOW, NOW + tolerance + 1])
    assert not decision.timely(NOW, period, [NOW - tolerance - 1, NOW])


def test_only_fields_that_no_node_counts_any_more_are_dead() -> None:
    kept = window.oldest_kept(NOW, 60)
    assert decision.stray([kept - 1, kept, THIS], NOW, 60) == ([kept - 1], [])
