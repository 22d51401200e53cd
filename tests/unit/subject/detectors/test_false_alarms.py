"""What is no anomaly raises nothing, at any second, by any detector."""

from math import cos, pi

import pytest

from subject.diagnosis.problems import diagnose
from tests.unit.subject.builders import START, THRESHOLDS
from tests.unit.subject.simulation import Life

pytestmark = pytest.mark.no_cover  # measured it takes four times as long, and tells nothing of lines

SECONDS = 200
CROWD = tuple(f"client-{number}" for number in range(10_000))


def ramp(rate: float) -> Life:
    """Four times as much within a minute, and as slowly back."""

    def at(second: int) -> float:
        up, down = (min(max(second - start, 0), 60) / 60 for start in (60, 130))
        return rate * (1 + 3 * (up - down))

    return Life(at)


def day(rate: float) -> Life:
    """A whole day, from midnight on, between night and noon as one to five."""
    return Life(lambda second: rate * (3 - 2 * cos(2 * pi * second / SECONDS)) / 3)


def always(rate: float) -> Life:
    return Life(lambda _: rate)


LIVES = {
    "steady at 5": Life(lambda _: 5, random_arrivals=False),
    "steady at 600": Life(lambda _: 600, random_arrivals=False),
    "Poisson at 5": always(5),
    "Poisson at 100": always(100),
    "workers": Life(lambda _: 60, workers=True),
    "bursts at 5": Life(lambda _: 5, burst=4),
    "bursts at 60": Life(lambda _: 60, burst=10),
    "a ramp from 5": ramp(5),
    "a ramp from 150": ramp(150),
    "from zero to 5": Life(lambda second: 5 if second >= 40 else 0),
    "from zero to 300": Life(lambda second: 300 if second >= 40 else 0, clients=CROWD),
    "40/30/30 at 5": Life(lambda _: 5, weights=(4.0, 3.0, 3.0)),
    "two nodes, 70/30": Life(lambda _: 100, weights=(7.0, 3.0)),
    "a rolling restart": Life(lambda _: 60, restarts={60: 0, 72: 1, 84: 2}),
    "a rolling restart of two": Life(
        lambda _: 60, weights=(1.0, 1.0), restarts={60: 0, 72: 1}, unseen_seconds=6
    ),
    "a rolling restart with many clients": Life(
        lambda _: 150, clients=CROWD, known=CROWD, restarts={60: 0, 72: 1, 84: 2}
    ),
    "a day from 5": day(5),
    "a day from 60": day(60),
    "a deployment within two seconds": Life(lambda _: 60, deploys={60: 0, 61: 1, 62: 2}),
}


def false_alarms(life: Life, seed: int) -> list[str]:
    """Each by its second and what it said."""
    return [
        f"second {snapshot.at - START:.0f}: {finding.code}: {finding.summary}"
        for snapshot in life.looks(SECONDS, seed)
        for finding in diagnose(snapshot, THRESHOLDS).findings
    ]


@pytest.mark.parametrize("name", LIVES)
def test_what_is_usual_raises_nothing_at_any_second(name: str) -> None:
    assert false_alarms(LIVES[name], seed=1) == []


@pytest.mark.parametrize("name", ["Poisson at 5", "bursts at 5"])
def test_little_traffic_raises_nothing_however_it_falls(name: str) -> None:
    assert false_alarms(LIVES[name], seed=2) == []
