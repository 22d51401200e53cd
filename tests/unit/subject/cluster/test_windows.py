import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import window
from gateway.contract.records import MAX_INTEGER
from subject.cluster.windows import counted_in, room_from
from tests.unit.subject.builders import START


def test_what_stands_in_a_window_is_what_a_decision_would_count() -> None:
    now = window.sub_interval(START * window.MICROSECONDS, 60)
    fields = {str(now): "3", str(now + 1): "1", str(now - 61): "5", str(now - 63): "100", str(now + 2): "100"}

    assert sum(counted_in(fields, START, 60).values()) == 9


def test_a_negative_counter_takes_nothing_from_the_others() -> None:
    now = window.sub_interval(START * window.MICROSECONDS, 60)

    assert sum(counted_in({str(now): "3", str(now - 1): "-5"}, START, 60).values()) == 3


def test_fields_that_are_no_counters_are_passed_over() -> None:
    now = window.sub_interval(START * window.MICROSECONDS, 60)

    assert sum(counted_in({"x": "1", str(now): "y", str(now - 1): "2"}, START, 60).values()) == 2


def test_the_sum_of_a_window_fits_a_record_whatever_stands_in_it() -> None:
    now = window.sub_interval(START * window.MICROSECONDS, 60)
    fields = {str(now - back): "9" * (14 + back % 6) for back in range(60)}

    assert 0 < sum(counted_in(fields, START, 60).values()) <= MAX_INTEGER


@pytest.mark.parametrize("period_seconds", [1, 10, 60, 3600])
@given(
    units=st.lists(st.tuples(st.integers(0, 59), st.integers(1, 20)), min_size=1, max_size=30),
    quota=st.integers(1, 40),
)
def test_a_full_window_has_room_from_the_moment_that_is_told_and_not_before(
    period_seconds: int, units: list[tuple[int, int]], quota: int
) -> None:
    """By the arithmetic of decisions: a microsecond before, nothing fits in; then one does."""
    at = START * window.MICROSECONDS
    now = window.sub_interval(at, period_seconds)
    fields: dict[int, int] = {}
    for age, count in units:
        fields[now - age] = fields.get(now - age, 0) + count
    counted = counted_in({str(number): str(count) for number, count in fields.items()}, START, period_seconds)
    if sum(counted.values()) < quota:
        return

    told = room_from(counted, quota, period_seconds) * window.MICROSECONDS

    assert sum(window.counted(fields, round(told) - 1, period_seconds).values()) >= quota
    assert sum(window.counted(fields, round(told) + 1, period_seconds).values()) < quota


def test_what_redis_never_counted_up_to_is_no_counter() -> None:
    now = window.sub_interval(START * window.MICROSECONDS, 60)

    assert sum(counted_in({str(now): "9" * 400, str(now - 1): "2"}, START, 60).values()) == 2
