"""How long a tunnel may stand still."""

import pytest

from gateway.proxy.stillness import CLOSING_SECONDS, Side, Stillness, TunnelLimits

LIMITS = TunnelLimits(idle_seconds=600.0, stuck_seconds=60.0)


@pytest.fixture
def stillness() -> Stillness:
    return Stillness(LIMITS, 1000.0)


@pytest.fixture(params=["client", "upstream"])
def side(request: pytest.FixtureRequest, stillness: Stillness) -> Side:
    found: Side = getattr(stillness, request.param)
    return found


def test_it_may_be_silent_for_a_while(stillness: Stillness) -> None:
    assert stillness.until(1000.0, 0, 0) == 1600.0
    assert stillness.until(1600.0, 0, 0) <= 1600.0


def test_what_comes_through_gives_the_time_anew(stillness: Stillness) -> None:
    stillness.moves(1500.0)
    assert stillness.until(1600.0, 0, 0) == 2100.0


def test_what_drains_moves(stillness: Stillness) -> None:
    assert stillness.until(1300.0, 100, 0) == 1900.0
    assert stillness.until(1400.0, 99, 0) == 2000.0
    assert stillness.until(1500.0, 99, 0) == 2000.0


def test_it_has_less_time_when_one_end_has_closed(stillness: Stillness) -> None:
    stillness.closes(1100.0)
    assert stillness.until(1100.0, 0, 0) == 1100.0 + CLOSING_SECONDS
    stillness.moves(1105.0)
    assert stillness.until(1110.0, 0, 0) == 1105.0 + CLOSING_SECONDS


def test_no_more_time_than_before_when_one_end_has_closed() -> None:
    short = Stillness(TunnelLimits(idle_seconds=3.0, stuck_seconds=60.0), 1000.0)
    short.closes(1001.0)
    assert short.until(1001.0, 0, 0) == 1004.0


def test_who_takes_nothing_is_stuck_though_it_says_something(stillness: Stillness, side: Side) -> None:
    stillness.until(1100.0, 5000, 5000)
    side.fills(1100.0)
    stillness.moves(1159.0)
    assert stillness.until(1159.0, 5000, 5000) == 1160.0
    assert stillness.until(1160.0, 5000, 5000) <= 1160.0


def test_who_takes_little_by_little_is_not_stuck(stillness: Stillness, side: Side) -> None:
    stillness.until(1100.0, 5000, 5000)
    side.fills(1100.0)
    for taken in range(1, 50):
        now = 1100.0 + 59.0 * taken
        assert stillness.until(now, 5000 - taken, 5000 - taken) == now + 60.0


def test_who_is_given_more_is_stuck_all_the_same(stillness: Stillness, side: Side) -> None:
    side.fills(1100.0)
    stillness.until(1100.0, 5000, 5000)
    assert stillness.until(1150.0, 6000, 6000) == 1160.0


def test_who_takes_all_is_stuck_no_more(stillness: Stillness, side: Side) -> None:
    side.fills(1100.0)
    side.empties()
    assert not side.is_full
    assert stillness.until(1159.0, 0, 0) == 1600.0


def test_nothing_is_stuck_at_first(stillness: Stillness, side: Side) -> None:
    assert not side.is_full
    assert stillness.until(1000.0, 0, 0) > 1000.0
