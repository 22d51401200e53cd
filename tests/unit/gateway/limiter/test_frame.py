"""A moment of a period: what holds for all stamps in it."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import window
from gateway.limiter.frame import EDGE, FrameCache, SubIntervalFrame
from tests.unit.gateway.limiter.builders import NOW, THIS
from tests.unit.gateway.limiter.pipelines import commands

PERIODS = st.sampled_from([1, 2, 7, 10, 60, 3600, 86_400])


def same(frame: SubIntervalFrame, stamp: int) -> bool:
    period = frame.period_seconds
    return (frame.number, frame.oldest, frame.oldest_kept) == (
        window.sub_interval(stamp, period),
        window.oldest_counted(stamp, period),
        window.oldest_kept(stamp, period),
    )


@given(PERIODS, st.integers(NOW, NOW + 10**13))
def test_a_moment_holds_from_its_first_to_its_last_microsecond_and_no_longer(period: int, stamp: int) -> None:
    frame = SubIntervalFrame(stamp, period)
    assert frame.since <= stamp < frame.until
    assert same(frame, frame.since)
    assert same(frame, frame.until - 1)
    assert not same(frame, frame.since - 1)
    assert not same(frame, frame.until)


@given(PERIODS, st.integers(NOW, NOW + 10**13))
def test_the_oldest_that_counts_is_one_of_two(period: int, stamp: int) -> None:
    frame = SubIntervalFrame(stamp, period)
    assert frame.oldest == frame.number - EDGE + (0 if frame.counts_edge else 1)


@given(PERIODS, st.integers(NOW, NOW + 10**13), st.integers(-70, 5))
def test_a_sub_interval_leaves_as_the_contract_says(period: int, stamp: int, distance: int) -> None:
    frame = SubIntervalFrame(stamp, period)
    number = frame.number + distance
    assert frame.leaves_at(number) == window.leaves_at(number, period)


def test_the_last_moment_of_each_period_is_remembered() -> None:
    moments = FrameCache()
    first = moments.at(NOW, 60)
    assert moments.at(NOW + 1, 60) is first
    assert moments.at(NOW, 3600) is not first
    assert moments.at(first.until, 60) is not first


def test_its_commands_count_and_read_and_renew() -> None:
    key, units, lifetime = b"$1\r\nk\r\n", b"$1\r\n2\r\n", window.key_lifetime_ms(60)
    frame = SubIntervalFrame(NOW, 60)
    count, renew = ("HINCRBY", "k", THIS, 2), ("PEXPIRE", "k", lifetime)
    whole, part = ("HGETALL", "k"), ("HMGET", "k", THIS - 1, THIS + 1)
    assert commands(frame.read_open % (key, units, key, key)) == [count, part, renew]
    assert commands(frame.read_all % (key, units, key, key)) == [count, whole, renew]
    assert commands(frame.renew_and_read_all % (key, key, units, key, key)) == [
        renew,
        count,
        whole,
        renew,
    ]
    on = ("HMGET", "k", THIS - 3, THIS - 2, THIS - 1, THIS + 1, window.BACKFILLED)
    assert commands(frame.read_since(2) % (key, units, key, key)) == [count, on, renew]
