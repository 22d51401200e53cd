"""Predicting Redis' time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import RedisClock

OFFSET = 1_800_000_000_000_000


def learn(clock: RedisClock, second: int, way: int, by: int = 0, back: int = 0) -> None:
    """By what was sent at that second, while Redis' clock is set by so many µs, and came back in so many."""
    received = second + (way + back) / 1_000_000
    clock.learn(float(second), OFFSET + by + second * 1_000_000 + way, received)


def learned(*ways: int) -> RedisClock:
    """A clock that saw commands at 1 s, 2 s, …, each executed `way` µs after it was sent."""
    clock = RedisClock()
    for second, way in enumerate(ways, 1):
        learn(clock, second, way)
    return clock


def test_a_stamp_is_the_time_of_execution_not_of_sending() -> None:
    assert learned(300, 300, 300).stamp(9.0) == OFFSET + 9_000_000 + 300


def test_one_late_batch_does_not_move_the_stamps() -> None:
    assert learned(300, 300, 20_000).stamp(9.0) == OFFSET + 9_000_000 + 300


def test_a_way_that_became_longer_is_followed_within_three_batches() -> None:
    assert learned(300, 300, 300, 300, 300, 20_000, 20_000, 20_000).stamp(9.0) == OFFSET + 9_020_000


def test_the_time_now_is_ahead_by_the_shortest_way_however_many_were_late() -> None:
    assert learned(300, 200, 100_000, 100_000, 100_000).time(9.0) == OFFSET + 9_000_000 + 200


@pytest.mark.parametrize("by", [-7_200_000_000, -1_500_000, 1_500_000, 90_000_000])
def test_a_clock_that_is_set_is_followed_at_once(by: int) -> None:
    clock = learned(*[300] * 70)

    learn(clock, 71, 400, by, back=300)

    assert clock.time(80.0) == OFFSET + by + 80_000_000 + 400


def test_the_way_however_long_is_no_clock_that_is_set() -> None:
    clock = learned(300)
    for second in range(2, 60):
        learn(clock, second, 2_000_000, back=2_000_000)

    assert clock.time(80.0) == OFFSET + 80_000_000 + 300


def test_a_clock_that_never_saw_redis_goes_by_the_wall() -> None:
    assert abs(RedisClock().time(1.0) - time.time() * 1e6) < 1e6


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_a_stamp_lies_among_the_last_five_ways(ways: list[int]) -> None:
    way = learned(*ways).stamp(0.0) - OFFSET
    assert min(ways[-5:]) <= way <= max(ways[-5:])


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200))
def test_the_shortest_way_is_that_of_the_last_64(ways: list[int]) -> None:
    assert learned(*ways).time(0.0) == OFFSET + min(ways[-64:])
