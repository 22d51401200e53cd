"""How long a tunnel may stand still."""

import pytest

from gateway.proxy.tunnel import HALF_CLOSED_SECONDS, Direction, TunnelLimits, TunnelTimer

LIMITS = TunnelLimits(idle_seconds=600.0, write_timeout_seconds=60.0)


@pytest.fixture
def timer() -> TunnelTimer:
    return TunnelTimer(LIMITS, 1000.0)


@pytest.fixture(params=["client", "upstream"])
def side(request: pytest.FixtureRequest, timer: TunnelTimer) -> Direction:
    found: Direction = getattr(timer, request.param)
    return found


def test_it_may_be_silent_for_a_while(timer: TunnelTimer) -> None:
    assert timer.deadline(1000.0, 0, 0) == 1600.0
    assert timer.deadline(1600.0, 0, 0) <= 1600.0


def test_what_comes_through_gives_the_time_anew(timer: TunnelTimer) -> None:
    timer.on_data(1500.0)
    assert timer.deadline(1600.0, 0, 0) == 2100.0


def test_what_drains_moves(timer: TunnelTimer) -> None:
    assert timer.deadline(1300.0, 100, 0) == 1900.0
    assert timer.deadline(1400.0, 99, 0) == 2000.0
    assert timer.deadline(1500.0, 99, 0) == 2000.0


def test_it_has_less_time_when_one_end_has_closed(timer: TunnelTimer) -> None:
    timer.on_half_close(1100.0)
    assert timer.deadline(1100.0, 0, 0) == 1100.0 + HALF_CLOSED_SECONDS
    timer.on_data(1105.0)
    assert timer.deadline(1110.0, 0, 0) == 1105.0 + HALF_CLOSED_SECONDS


def test_no_more_time_than_before_when_one_end_has_closed() -> None:
    short = TunnelTimer(TunnelLimits(idle_seconds=3.0, write_timeout_seconds=60.0), 1000.0)
    short.on_half_close(1001.0)
    assert short.deadline(1001.0, 0, 0) == 1004.0


def test_who_takes_nothing_is_stuck_though_it_says_something(timer: TunnelTimer, side: Direction) -> None:
    timer.deadline(1100.0, 5000, 5000)
    side.blocked(1100.0)
    timer.on_data(1159.0)
    assert timer.deadline(1159.0, 5000, 5000) == 1160.0
    assert timer.deadline(1160.0, 5000, 5000) <= 1160.0


def test_who_takes_little_by_little_is_not_stuck(timer: TunnelTimer, side: Direction) -> None:
    timer.deadline(1100.0, 5000, 5000)
    side.blocked(1100.0)
    for taken in range(1, 50):
        now = 1100.0 + 59.0 * taken
        assert timer.deadline(now, 5000 - taken, 5000 - taken) == now + 60.0


def test_who_is_given_more_is_stuck_all_the_same(timer: TunnelTimer, side: Direction) -> None:
    side.blocked(1100.0)
    timer.deadline(1100.0, 5000, 5000)
    assert timer.deadline(1150.0, 6000, 6000) == 1160.0


def test_who_takes_all_is_stuck_no_more(timer: TunnelTimer, side: Direction) -> None:
    side.blocked(1100.0)
    side.unblocked()
    assert not side.is_blocked
    assert timer.deadline(1159.0, 0, 0) == 1600.0


def test_nothing_is_stuck_at_first(timer: TunnelTimer, side: Direction) -> None:
    assert not side.is_blocked
    assert timer.deadline(1000.0, 0, 0) > 1000.0
