"""A run over time."""

from dataclasses import replace

from loadtest.run_report import series
from tests.unit.loadtest.run_report.finished_run import FOUND, LOOKS, NAME, look


def test_rates_are_those_between_two_records_of_a_node() -> None:
    points = series.points(LOOKS)[NAME]
    assert [(point.at, point.requests_per_second, point.refused_per_second) for point in points] == [
        (101.0, 10.0, 4.0),
        (103.0, 15.0, 0.0),
        (104.0, 0.0, 0.0),
    ]


def test_records_stand_at_this_machines_time_whatever_redis_clock_says() -> None:
    ahead = [replace(asked, asked_at=asked.asked_at + 3600, at=asked.at + 3600) for asked in LOOKS]
    assert [point.at for point in series.points(ahead)[NAME]] == [3701.0, 3703.0, 3704.0]
    assert series.points(ahead)[NAME][0].requests_per_second == 10.0


def test_a_finding_lasts_until_a_look_does_not_have_it() -> None:
    (span,) = series.spans(LOOKS)
    assert (span.began_at, span.ended_at) == (102.0, 104.0)
    assert [one.began_at for one in series.spans([*LOOKS, look(105.0, FOUND)])] == [102.0, 105.0]
