"""The window's arithmetic. A counter-example here is a hole in the promise of at most N in any window."""

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.contract.limits import MAX_PERIOD_SECONDS
from gateway.contract.window import (
    MICROSECONDS,
    SUB_INTERVALS,
    key_lifetime_ms,
    leaves_at,
    newest_counted,
    oldest_counted,
    oldest_kept,
    stamp_tolerance,
    sub_interval,
)

YEAR_2023 = 1_700_000_000 * MICROSECONDS
periods = st.one_of(
    st.sampled_from([1, 2, 3, 7, 10, 60, 61, 3600, 86_400, MAX_PERIOD_SECONDS]),
    st.integers(1, MAX_PERIOD_SECONDS),
)
parts = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))
"""How much of a range to use: its ends are where arithmetic fails first."""


@st.composite
def moments(draw: st.DrawFn, period_seconds: int) -> int:
    """A time near the edge of a sub-interval, or anywhere."""
    near = draw(st.integers(0, 3 * MICROSECONDS))
    edge = sub_interval(YEAR_2023 + draw(st.integers(0, 10**12)), period_seconds)
    return edge * period_seconds * MICROSECONDS // SUB_INTERVALS + draw(st.sampled_from([0, 1, -1, near]))


@st.composite
def stamps(draw: st.DrawFn, executed_at: int, period_seconds: int) -> int:
    """A stamp that the contract accepts for a command which Redis executed at that time."""
    tolerance = stamp_tolerance(period_seconds)
    return executed_at - tolerance + round(draw(parts) * 2 * tolerance)


@given(periods)
def test_two_tolerances_are_less_than_a_sub_interval(period_seconds: int) -> None:
    assert 2 * stamp_tolerance(period_seconds) * SUB_INTERVALS < period_seconds * MICROSECONDS


def test_two_tolerances_are_less_than_a_sub_interval_for_every_short_period() -> None:
    for period_seconds in range(1, 5000):
        assert 2 * stamp_tolerance(period_seconds) * SUB_INTERVALS < period_seconds * MICROSECONDS


def test_a_minute_has_sub_intervals_of_a_second() -> None:
    assert sub_interval(YEAR_2023, 60) == 1_700_000_000
    assert sub_interval(YEAR_2023 - 1, 60) == 1_699_999_999


@given(st.data(), periods)
def test_a_decision_counts_every_admission_that_shares_a_window_with_it(
    data: st.DataObject, period_seconds: int
) -> None:
    window = period_seconds * MICROSECONDS
    admitted_at = data.draw(moments(period_seconds), "admitted at, by Redis")
    decided_at = admitted_at + round(data.draw(parts, "of the window passed") * window)
    admitted_stamp = data.draw(stamps(admitted_at, period_seconds), "stamp of the admission")
    decided_stamp = data.draw(stamps(decided_at, period_seconds), "stamp of the decision")

    counted_in = sub_interval(admitted_stamp, period_seconds)

    assert oldest_counted(decided_stamp, period_seconds) <= counted_in
    assert counted_in <= newest_counted(decided_stamp, period_seconds)


def test_to_count_back_one_window_only_would_miss_an_admission_of_that_window() -> None:
    period_seconds, tolerance = 60, stamp_tolerance(60)
    admitted_at = YEAR_2023
    decided_at = admitted_at + 60 * MICROSECONDS
    admitted_stamp, decided_stamp = admitted_at - tolerance, decided_at + tolerance

    counted_in = sub_interval(admitted_stamp, period_seconds)

    assert counted_in < sub_interval(decided_stamp - 60 * MICROSECONDS, period_seconds)
    assert counted_in == oldest_counted(decided_stamp, period_seconds)


@given(st.data(), periods)
def test_a_sub_interval_two_back_is_closed(data: st.DataObject, period_seconds: int) -> None:
    read_at = data.draw(moments(period_seconds), "read at, by Redis")
    written_at = read_at + data.draw(st.integers(0, period_seconds * MICROSECONDS), "later by")
    read_stamp = data.draw(stamps(read_at, period_seconds), "stamp of the reader")
    written_stamp = data.draw(stamps(written_at, period_seconds), "stamp of the writer")

    assert sub_interval(written_stamp, period_seconds) > sub_interval(read_stamp, period_seconds) - 2


@given(st.data(), periods)
def test_what_a_later_decision_counts_is_kept_with_one_to_spare(
    data: st.DataObject, period_seconds: int
) -> None:
    deleted_at = data.draw(moments(period_seconds), "deleted at, by Redis")
    decided_at = deleted_at + data.draw(st.integers(0, period_seconds * MICROSECONDS), "later by")
    deleted_stamp = data.draw(stamps(deleted_at, period_seconds), "stamp of the deletion")
    decided_stamp = data.draw(stamps(decided_at, period_seconds), "stamp of the decision")

    assert oldest_kept(deleted_stamp, period_seconds) < oldest_counted(decided_stamp, period_seconds)


@given(st.data(), periods)
def test_a_node_keeps_all_that_it_counts_in_at_most_six_fields_more_than_sub_intervals(
    data: st.DataObject, period_seconds: int
) -> None:
    at = data.draw(moments(period_seconds))
    oldest, newest = oldest_kept(at, period_seconds), newest_counted(at, period_seconds)

    assert oldest <= oldest_counted(at, period_seconds)
    assert newest - oldest + 1 <= SUB_INTERVALS + 6


@given(st.integers(0, 10**12), periods)
@example(number=1_700_000_000, period_seconds=60)
@example(number=0, period_seconds=7)
def test_a_sub_interval_leaves_in_the_first_microsecond_that_does_not_count_it(
    number: int, period_seconds: int
) -> None:
    leaves = leaves_at(number, period_seconds)

    assert oldest_counted(leaves, period_seconds) == number + 1
    assert oldest_counted(leaves - 1, period_seconds) == number


@given(st.data(), periods)
def test_a_key_outlives_every_decision_that_counts_its_last_unit(
    data: st.DataObject, period_seconds: int
) -> None:
    written_at = data.draw(moments(period_seconds), "written at, by Redis")
    written_stamp = data.draw(stamps(written_at, period_seconds), "stamp of the write")

    last_stamp = leaves_at(sub_interval(written_stamp, period_seconds), period_seconds) - 1
    last_decision_at = last_stamp + stamp_tolerance(period_seconds)

    assert written_at + key_lifetime_ms(period_seconds) * 1000 > last_decision_at
