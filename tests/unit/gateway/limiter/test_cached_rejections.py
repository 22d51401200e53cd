"""How long a window remembers that it has refused, and whom it refuses by that."""

from gateway.limiter.window_cache import DENY_SECONDS, CachedWindow
from tests.unit.gateway.limiter.builders import NOW, SENT, THIS
from tests.unit.gateway.limiter.drawn import read, starts_at


def denied(cost: int = 2, quota: int = 10, stamp: int = NOW, wait_seconds: float = 30.0) -> CachedWindow:
    """A window that has just refused `cost`."""
    cached = read({THIS: 9}, stamp)
    cached.deny(quota, cost, stamp, wait_seconds, SENT)
    return cached


def test_a_refusal_is_remembered_for_a_quarter_of_a_second() -> None:
    cached = denied()
    assert cached.denies(10, 2, SENT)
    assert cached.denies(10, 2, SENT + DENY_SECONDS - 0.001)
    assert not cached.denies(10, 2, SENT + DENY_SECONDS)


def test_a_refusal_is_forgotten_when_the_sub_interval_ends() -> None:
    cached = denied(stamp=starts_at(THIS + 1, 60) - 100_000)
    assert cached.denies(10, 2, SENT + 0.099)
    assert not cached.denies(10, 2, SENT + 0.1)


def test_a_refusal_is_forgotten_when_there_will_be_room() -> None:
    cached = denied(wait_seconds=0.05)
    assert cached.denies(10, 2, SENT + 0.049)
    assert not cached.denies(10, 2, SENT + 0.05)


def test_a_refusal_says_nothing_about_a_smaller_cost() -> None:
    assert not denied(cost=2).denies(10, 1, SENT)
    assert denied(cost=2).denies(10, 3, SENT)


def test_a_refusal_says_nothing_about_a_raised_quota() -> None:
    assert not denied(quota=10).denies(11, 2, SENT)
    assert denied(quota=10).denies(9, 2, SENT)


def test_the_last_refusal_is_the_one_that_is_remembered() -> None:
    cached = denied(cost=1, quota=10)
    cached.deny(20, 5, NOW, 30.0, SENT)
    assert not cached.denies(10, 1, SENT)
    assert cached.denies(20, 5, SENT)


def test_a_refusal_is_forgotten_when_redis_may_be_another_one() -> None:
    cached = denied()
    cached.expire(SENT)
    assert not cached.denies(10, 2, SENT)


def test_a_window_that_refused_nobody_denies_nobody() -> None:
    assert not read({THIS: 10}).denies(10, 1, SENT)


def test_what_was_denied_is_said_to_fit_when_its_wait_is_over() -> None:
    cached = denied(wait_seconds=30.0)
    assert cached.frees_in(SENT + 10) == 20
    assert cached.frees_in(SENT + 40) == 0
