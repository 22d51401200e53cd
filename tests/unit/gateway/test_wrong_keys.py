import pytest

from gateway import identity
from gateway.contract.limits import Limit
from gateway.identity import TooManyUnknownKeysError, UnknownKeyLimiter

PEER = "192.0.2.1"
ANOTHER = "192.0.2.2"
MINUTE = Limit(3, 60)


def limited(keys: UnknownKeyLimiter, key: str, now: float, peer: str = PEER) -> bool:
    try:
        keys.check(peer, key, now)
    except TooManyUnknownKeysError:
        return True
    return False


@pytest.fixture
def keys() -> UnknownKeyLimiter:
    return UnknownKeyLimiter(MINUTE)


def guess(keys: UnknownKeyLimiter, times: int, now: float, peer: str = PEER) -> None:
    for _ in range(times):
        keys.count(peer, now)


def test_address_is_limited_after_its_wrong_keys_and_others_are_not(keys: UnknownKeyLimiter) -> None:
    guess(keys, 2, 1000.0)
    assert not limited(keys, "guess", 1000.0)

    guess(keys, 1, 1000.0)
    assert limited(keys, "guess", 1000.0)
    assert not limited(keys, "guess", 1000.0, ANOTHER)


def test_key_that_was_accepted_from_the_address_still_is_for_an_hour(keys: UnknownKeyLimiter) -> None:
    keys.accept(PEER, "right", 1000.0)
    guess(keys, 3, 1000.0)

    assert not limited(keys, "right", 1000.0)
    guess(keys, 3, 4500.0)
    assert not limited(keys, "right", 4500.0)
    guess(keys, 3, 4700.0)
    assert limited(keys, "right", 4700.0)


def test_key_that_was_accepted_from_another_address_is_limited(keys: UnknownKeyLimiter) -> None:
    keys.accept(ANOTHER, "right", 1000.0)
    guess(keys, 3, 1000.0)

    assert limited(keys, "right", 1000.0)


def test_limit_ends_when_the_wrong_keys_have_left_the_window(keys: UnknownKeyLimiter) -> None:
    guess(keys, 3, 1000.0)
    with pytest.raises(TooManyUnknownKeysError) as raised:
        keys.check(PEER, "guess", 1000.0)

    assert 1 <= raised.value.retry_seconds <= 80
    assert not limited(keys, "guess", 1000.0 + raised.value.retry_seconds)


def test_wrong_keys_of_the_interval_before_count_as_far_as_the_window_covers_it(
    keys: UnknownKeyLimiter,
) -> None:
    guess(keys, 3, 1019.0)  # the interval ends at 1020

    assert limited(keys, "guess", 1020.0)
    assert not limited(keys, "guess", 1041.0)


def test_ipv6_is_counted_by_64_bits(keys: UnknownKeyLimiter) -> None:
    guess(keys, 3, 1000.0, "2001:db8::1")

    assert limited(keys, "guess", 1000.0, "2001:db8::2")
    assert not limited(keys, "guess", 1000.0, "2001:db8:0:1::1")


def test_tables_are_bounded(keys: UnknownKeyLimiter, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(identity.MAX_ADDRESSES + 10):
        guess(keys, 3, 1000.0, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    for number in range(identity.MAX_ACCEPTED + 10):
        keys.accept(PEER, f"key-{number}", 1000.0)

    assert len(keys._counts) == identity.MAX_ADDRESSES
    assert len(keys._accepted) == identity.MAX_ACCEPTED
    assert not limited(keys, "guess", 1000.0, "10.0.0.0")
