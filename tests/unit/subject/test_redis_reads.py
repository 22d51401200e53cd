from gateway.contract import window
from subject.redis_reads import counted_in
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
