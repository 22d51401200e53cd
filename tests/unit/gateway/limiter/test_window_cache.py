"""The cached windows of many clients, and rejections without asking Redis."""

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.window_cache import MAX_WINDOWS, WindowCache
from tests.unit.gateway.limiter.builders import NOW, SENT, TEN, THIS, known, reads_open

HOUR = Limit(100, 3600)


def minutes(**totals: int) -> WindowCache:
    """Windows of a minute in which so many units stand."""
    cache = WindowCache()
    for key, total in totals.items():
        known(cache, key, {THIS: total})
    return cache


def deny(cache: WindowCache, key: str, wait_seconds: float = 20.0) -> None:
    """Let this window have refused a request of ten a minute."""
    cached = cache.get(key)
    assert cached is not None
    cached.deny(TEN.quota, 1, NOW, wait_seconds, SENT)


def test_of_more_views_than_fit_the_longest_unread_are_forgotten() -> None:
    cache = WindowCache()
    for number in range(MAX_WINDOWS):
        known(cache, str(number), {})
    known(cache, "0", {})
    known(cache, "one more", {})

    assert len(cache) == MAX_WINDOWS
    assert cache.get("0") is not None
    assert cache.get("1") is None


def test_a_request_is_refused_from_memory_where_one_of_its_windows_has_just_refused() -> None:
    cache = minutes(minute=10)
    known(cache, "hour", {window.sub_interval(NOW, 3600): 40}, period=3600)
    deny(cache, "minute", wait_seconds=20.0)

    refusal = cache.rejection([Hit("minute", TEN), Hit("hour", HOUR)], SENT + 0.125)

    assert refusal == (
        WindowStatus(admitted=False, remaining=0, wait_seconds=20 - 0.125),
        WindowStatus(admitted=True, remaining=60, wait_seconds=0.0),
    )


def test_a_window_that_is_not_known_has_its_whole_quota_in_a_refusal_by_another() -> None:
    cache = minutes(minute=10)
    deny(cache, "minute")
    refusal = cache.rejection([Hit("hour", HOUR), Hit("minute", TEN)], SENT)
    assert refusal is not None
    assert refusal[0] == WindowStatus(admitted=True, remaining=100, wait_seconds=0.0)


def test_a_window_in_shadow_refuses_nobody_from_memory() -> None:
    cache = minutes(minute=10)
    deny(cache, "minute")
    assert cache.rejection([Hit("minute", TEN, shadow=True)], SENT) is None


def test_a_window_in_shadow_that_refused_too_is_told_in_a_refusal_by_another() -> None:
    cache = minutes(a=10, b=10)
    deny(cache, "a")
    deny(cache, "b")
    refusal = cache.rejection([Hit("a", TEN, shadow=True), Hit("b", TEN)], SENT)
    assert refusal is not None
    assert [status.admitted for status in refusal] == [False, False]


def test_nothing_is_refused_from_memory_where_nobody_was_refused_or_nothing_is_known() -> None:
    assert minutes(minute=10).rejection([Hit("minute", TEN)], SENT) is None
    assert WindowCache().rejection([Hit("minute", TEN)], SENT) is None


def test_another_generation_and_a_raised_quota_are_asked_about() -> None:
    cache = minutes(**{"k:0": 10})
    deny(cache, "k:0")
    assert cache.rejection([Hit("k:0", TEN)], SENT) is not None
    assert cache.rejection([Hit("k:1", TEN)], SENT) is None
    assert cache.rejection([Hit("k:0", Limit(11, 60))], SENT) is None


def test_where_redis_may_be_another_one_all_is_asked_and_read_anew() -> None:
    cache = minutes(a=10, b=10)
    deny(cache, "a")
    cache.expire_all(SENT)
    assert cache.rejection([Hit("a", TEN)], SENT) is None
    for key in ("a", "b"):
        cached = cache.get(key)
        assert cached is not None
        assert not reads_open(cached, THIS, SENT)


def test_one_window_can_be_read_anew_alone_and_one_that_is_not_known_too() -> None:
    cache = minutes(a=10, b=10)
    cache.expire("a", SENT)
    cache.expire("c", SENT)
    a, b = cache.get("a"), cache.get("b")
    assert a is not None
    assert b is not None
    assert (reads_open(a, THIS, SENT), reads_open(b, THIS, SENT)) == (False, True)
