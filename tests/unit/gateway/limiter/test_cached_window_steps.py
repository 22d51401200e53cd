"""What of a window must be read for a decision, by how long ago and when it was read before."""

import pytest

from gateway.contract import window
from gateway.limiter.window_cache import READ_SECONDS, WHOLE_SECONDS, CachedWindow
from tests.unit.gateway.limiter import builders
from tests.unit.gateway.limiter.builders import NOW, SENT, THIS, reads_open
from tests.unit.gateway.limiter.drawn import read


def test_a_view_is_fresh_within_its_sub_interval_and_a_quarter_of_a_second() -> None:
    assert reads_open(read({}), THIS, SENT)
    assert reads_open(read({}), THIS, SENT + READ_SECONDS - 0.001)


def test_a_view_is_not_fresh_after_a_quarter_of_a_second_whatever_was_read_of_the_open_ones() -> None:
    cached = read({})
    cached.load_open(1, 2, 3)
    assert not reads_open(cached, THIS, SENT + READ_SECONDS)


@pytest.mark.parametrize("number", [THIS - 1, THIS + 1])
def test_a_view_is_not_fresh_in_another_sub_interval(number: int) -> None:
    assert not reads_open(read({}), number, SENT)


def test_a_view_is_not_fresh_when_it_was_told_to_expire_and_still_tells_what_it_knew() -> None:
    cached = read({THIS: 3})
    cached.expire(SENT)
    assert not reads_open(cached, THIS, SENT)
    assert cached.total(NOW) == 3


def test_a_view_that_was_told_to_expire_is_not_fresh_by_what_was_asked_before() -> None:
    cached = read({THIS: 3})
    cached.expire(SENT + 0.1)
    builders.read(cached, {THIS: 4}, sent=SENT + 0.05)
    assert not reads_open(cached, THIS, SENT + 0.1)
    builders.read(cached, {THIS: 4}, sent=SENT + 0.1)
    assert reads_open(cached, THIS, SENT + 0.1)


def test_a_view_is_not_fresh_before_it_was_read() -> None:
    assert not reads_open(CachedWindow("k", 60), 0, SENT)


def full(period: int) -> CachedWindow:
    this = window.sub_interval(NOW, period)
    return read(dict.fromkeys(range(this - window.SUB_INTERVALS, this + 1), 1), NOW, period)


@pytest.mark.parametrize(
    ("period", "steps", "after_seconds", "expected"),
    [
        (60, 0, READ_SECONDS - 0.001, -1),
        (60, 0, READ_SECONDS, 0),
        (60, 1, 1.0, 1),
        (60, 4, 4.999, 4),
        (60, 5, 5.0, None),
        (60, -1, 0.1, None),
        (3600, 0, WHOLE_SECONDS - 0.001, 0),
        (3600, 1, WHOLE_SECONDS, None),
        (1, 4, 0.083, 4),
        (1, 5, 0.084, None),
    ],
)
def test_the_whole_hash_is_read_again_when_what_came_back_late_may_be_missing(
    period: int, steps: int, after_seconds: float, expected: int | None
) -> None:
    number = window.sub_interval(NOW, period) + steps
    assert full(period).steps(number, SENT + after_seconds) == expected


def test_of_a_small_hash_the_whole_is_read() -> None:
    assert read({THIS: 1, THIS - 2: 1}).steps(THIS + 1, SENT + 1) is None


def test_a_view_that_was_told_to_expire_is_not_read_on() -> None:
    cached = full(60)
    cached.expire(SENT + 0.1)
    assert cached.steps(THIS, SENT + 0.1) is None
    cached.advance(THIS, [], SENT + 0.05)
    assert cached.steps(THIS, SENT + 0.1) is None
