"""From scored runs to figures."""

import pytest

from loadtest import verdict
from loadtest.evaluation.aims import AIMS, missed
from loadtest.evaluation.score import Figures, Score, by_code, of_all
from tests.unit.loadtest.evaluation.runs import BREACH, SKEW, report, run, scenario, scored, times

FOUND = verdict.outcome(
    scenario(SKEW), [report(101.0), report(103.0, SKEW), report(113.0, SKEW), report(118.0)], times()
)
MISSED = verdict.outcome(scenario(SKEW), [report(101.0), report(118.0)], times())
ALARM = verdict.outcome(
    scenario(SKEW), [report(104.0, SKEW, BREACH), report(113.0, BREACH), report(118.0)], times()
)
STAYED = verdict.outcome(scenario(SKEW), [report(104.0, SKEW), report(129.0, SKEW)], times())
QUIET = verdict.outcome(scenario(), [report(101.0), report(129.0)], times())


def test_what_is_found_and_in_what_time() -> None:
    figures = of_all([FOUND, MISSED, ALARM])

    assert figures == Figures(expected=3, found=2, false_alarms=1, to_find=(3.0, 4.0), to_clear=(6.0, 6.0))
    assert figures.recall == figures.precision == pytest.approx(2 / 3)
    assert (figures.median_to_find, figures.worst_to_find) == (3.5, 4.0)


def test_where_nothing_is_to_be_found_nothing_is_said_of_it() -> None:
    figures = of_all([QUIET])

    assert figures.recall is figures.precision is figures.median_to_find is figures.worst_to_find is None


def test_what_stays_is_found_and_then_a_false_alarm() -> None:
    assert of_all([STAYED]) == Figures(expected=1, found=1, false_alarms=1, to_find=(4.0,))


def test_each_code_has_its_own_figures() -> None:
    found = by_code([FOUND, MISSED, ALARM])

    assert list(found) == ["limit_breach", "node_skew"]
    assert (found["limit_breach"].expected, found["limit_breach"].false_alarms) == (0, 1)
    assert (found["limit_breach"].recall, found["limit_breach"].precision) == (None, 0.0)
    assert (found["node_skew"].expected, found["node_skew"].found, found["node_skew"].false_alarms) == (
        3,
        2,
        0,
    )
    assert found["node_skew"].to_find == (3.0, 4.0)


def test_false_alarms_are_told_by_the_hour_of_benign_traffic() -> None:
    noisy = verdict.outcome(scenario(), [report(101.0, SKEW), report(129.0)], times())
    score = Score((scored(QUIET, noisy, of=run(intensity="benign")), scored(ALARM)))

    assert score.benign_hours == pytest.approx(2 * 30 / 3600)
    assert score.false_an_hour == pytest.approx(60.0)
    assert score.figures.false_alarms == 1
    assert Score((scored(FOUND),)).false_an_hour is None


def test_each_aim_can_be_missed() -> None:
    late = verdict.outcome(scenario(SKEW), [report(111.5, SKEW), report(118.0)], times())
    noisy = verdict.outcome(scenario(), [report(101.0, SKEW), report(129.0)], times())
    score = Score((scored(late, MISSED, ALARM, late), scored(noisy, of=run(intensity="benign"))))

    assert missed(score) == list(AIMS)
    assert missed(Score((scored(FOUND), scored(QUIET, of=run(intensity="benign"))))) == []


def test_a_cause_that_became_two_problems_is_told() -> None:
    torn = verdict.outcome(scenario(SKEW, BREACH), [report(104.0, SKEW, BREACH), report(118.0)], times())

    assert Score((scored(torn, FOUND),)).badly_grouped == [torn]


def test_runs_whose_books_do_not_agree_are_told() -> None:
    score = Score((scored(FOUND), scored(FOUND, failures=["node-1 ended"])))

    assert score.failures_of_books == ["reporting-1001-low-20-1: node-1 ended"]
