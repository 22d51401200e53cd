import pytest

from subject.detectors.rates import judge, run_of_anomalies
from tests.unit.subject.builders import THRESHOLDS


def test_nothing_is_judged_before_fifteen_active_seconds() -> None:
    judged = judge([10.0] * 14 + [1000.0], THRESHOLDS)

    assert judged[-1].usual is None
    assert not judged[-1].anomalous


def test_the_usual_is_not_spoiled_by_anomalies_and_idle_seconds() -> None:
    judged = judge([10.0] * 20 + [500.0] * 10 + [0.0] * 30 + [10.0], THRESHOLDS)

    assert judged[-1].usual == 10


@pytest.mark.parametrize("before", [[], [30.0] * 4, [0.0] * 10])
@pytest.mark.parametrize("burst", [[200.0] * 6, [200.0] * 30, [200.0, 200.0, 30.0, 200.0, 200.0, 200.0]])
def test_a_burst_in_which_the_series_begins_is_not_the_usual(before: list[float], burst: list[float]) -> None:
    judged = judge([*before, *burst, *[0.0] * 20, *[30.0] * 60, 180.0], THRESHOLDS)

    assert judged[-1].usual == 30
    assert judged[-1].anomalous


def test_a_level_that_has_fallen_lately_is_still_the_usual() -> None:
    judged = judge([200.0] * 40 + [30.0] * 20 + [180.0], THRESHOLDS)

    assert not judged[-1].anomalous


def test_bursts_that_pause_for_a_while_stay_usual() -> None:
    judged = judge([*[50.0, 10.0] * 30, *[10.0] * 20, 50.0], THRESHOLDS)

    assert not any(second.anomalous for second in judged)


@pytest.mark.parametrize("phase", range(2))
def test_a_burst_every_twenty_seconds_is_usual_where_the_series_begins_in_one(phase: int) -> None:
    rates = [50.0 if (second + phase) % 20 < 3 else 10.0 for second in range(130)]

    for until in range(1, 130):
        assert run_of_anomalies(judge(rates[:until], THRESHOLDS), THRESHOLDS) is None


def test_bursts_every_other_second_are_usual() -> None:
    swinging = [10.0, 50.0] * 30

    assert not any(second.anomalous for second in judge([*swinging, 150.0], THRESHOLDS))
    assert judge([*swinging, 200.0], THRESHOLDS)[-1].anomalous


def test_below_one_request_a_second_a_deviation_is_one() -> None:
    judged = judge([0.2] * 30 + [1.2], THRESHOLDS)

    assert judged[-1].z == pytest.approx(1)


def test_a_run_begins_with_its_first_anomalous_second() -> None:
    calm, wild = [10.0] * 20, [100.0]

    assert run_of_anomalies(judge([*calm, *wild * 5], THRESHOLDS), THRESHOLDS) == 20
    assert run_of_anomalies(judge([*calm, *wild, 10.0, *wild, *wild], THRESHOLDS), THRESHOLDS) == 20
    assert run_of_anomalies(judge([*calm, *wild, 10.0, 10.0], THRESHOLDS), THRESHOLDS) is None
