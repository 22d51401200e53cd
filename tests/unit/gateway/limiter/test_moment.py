"""A moment of a period: what holds for all stamps in it."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import window
from gateway.limiter.moment import EDGE, Moment, Moments
from tests.unit.gateway.limiter.builders import NOW, THIS
from tests.unit.gateway.limiter.pipelines import commands

PERIODS = st.sampled_from([1, 2, 7, 10, 60, 3600, 86_400])


def same(moment: Moment, stamp: int) -> bool:
    period = moment.period_seconds
    return (moment.number, moment.oldest, moment.oldest_kept) == (
        window.sub_interval(stamp, period),
        window.oldest_counted(stamp, period),
        window.oldest_kept(stamp, period),
    )


@given(PERIODS, st.integers(NOW, NOW + 10**13))
def test_a_moment_holds_from_its_first_to_its_last_microsecond_and_no_longer(period: int, stamp: int) -> None:
    moment = Moment(stamp, period)
    assert moment.since <= stamp < moment.until
    assert same(moment, moment.since)
    assert same(moment, moment.until - 1)
    assert not same(moment, moment.since - 1)
    assert not same(moment, moment.until)


@given(PERIODS, st.integers(NOW, NOW + 10**13))
def test_the_oldest_that_counts_is_one_of_two(period: int, stamp: int) -> None:
    moment = Moment(stamp, period)
    assert moment.oldest == moment.number - EDGE + (0 if moment.counts_edge else 1)


@given(PERIODS, st.integers(NOW, NOW + 10**13), st.integers(-70, 5))
def test_a_sub_interval_leaves_as_the_contract_says(period: int, stamp: int, distance: int) -> None:
    moment = Moment(stamp, period)
    number = moment.number + distance
    assert moment.leaves_at(number) == window.leaves_at(number, period)


def test_the_last_moment_of_each_period_is_remembered() -> None:
    moments = Moments()
    first = moments.at(NOW, 60)
    assert moments.at(NOW + 1, 60) is first
    assert moments.at(NOW, 3600) is not first
    assert moments.at(first.until, 60) is not first


def test_its_commands_count_and_read_and_renew() -> None:
    key, units, lifetime = b"$1\r\nk\r\n", b"$1\r\n2\r\n", window.key_lifetime_ms(60)
    moment = Moment(NOW, 60)
    count, renew = ("HINCRBY", "k", THIS, 2), ("PEXPIRE", "k", lifetime)
    whole, part = ("HGETALL", "k"), ("HMGET", "k", THIS - 1, THIS + 1)
    assert commands(moment.reads_open % (key, units, key, key)) == [count, part, renew]
    assert commands(moment.reads_all % (key, units, key, key)) == [count, whole, renew]
    assert commands(moment.reads_all_renewing_first % (key, key, units, key, key)) == [
        renew,
        count,
        whole,
        renew,
    ]
    on = ("HMGET", "k", THIS - 3, THIS - 2, THIS - 1, THIS + 1, window.POSTED)
    assert commands(moment.reads_on(2) % (key, units, key, key)) == [count, on, renew]
