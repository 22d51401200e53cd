"""The views of many clients, and what they say of a request without asking Redis."""

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.limiter.charge import Charge
from gateway.limiter.decision import Standing
from gateway.limiter.views import MAX_VIEWS, Views
from tests.unit.gateway.limiter.builders import NOW, SENT, TEN, THIS, known, reads_open

HOUR = Limit(100, 3600)


def minutes(**totals: int) -> Views:
    """Windows of a minute in which so many units stand."""
    views = Views()
    for key, total in totals.items():
        known(views, key, {THIS: total})
    return views


def deny(views: Views, key: str, wait_seconds: float = 20.0) -> None:
    """Let this window have refused a request of ten a minute."""
    view = views.get(key)
    assert view is not None
    view.deny(TEN.quota, 1, NOW, wait_seconds, SENT)


def test_of_more_views_than_fit_the_longest_unread_are_forgotten() -> None:
    views = Views()
    for number in range(MAX_VIEWS):
        known(views, str(number), {})
    known(views, "0", {})
    known(views, "one more", {})

    assert len(views) == MAX_VIEWS
    assert views.get("0") is not None
    assert views.get("1") is None


def test_a_request_is_refused_from_memory_where_one_of_its_windows_has_just_refused() -> None:
    views = minutes(minute=10)
    known(views, "hour", {window.sub_interval(NOW, 3600): 40}, period=3600)
    deny(views, "minute", wait_seconds=20.0)

    refusal = views.refusal([Charge("minute", TEN), Charge("hour", HOUR)], SENT + 0.125)

    assert refusal == (
        Standing(admitted=False, remaining=0, wait_seconds=20 - 0.125),
        Standing(admitted=True, remaining=60, wait_seconds=0.0),
    )


def test_a_window_that_is_not_known_has_its_whole_quota_in_a_refusal_by_another() -> None:
    views = minutes(minute=10)
    deny(views, "minute")
    refusal = views.refusal([Charge("hour", HOUR), Charge("minute", TEN)], SENT)
    assert refusal is not None
    assert refusal[0] == Standing(admitted=True, remaining=100, wait_seconds=0.0)


def test_a_window_in_shadow_refuses_nobody_from_memory() -> None:
    views = minutes(minute=10)
    deny(views, "minute")
    assert views.refusal([Charge("minute", TEN, shadow=True)], SENT) is None


def test_a_window_in_shadow_that_refused_too_is_told_in_a_refusal_by_another() -> None:
    views = minutes(a=10, b=10)
    deny(views, "a")
    deny(views, "b")
    refusal = views.refusal([Charge("a", TEN, shadow=True), Charge("b", TEN)], SENT)
    assert refusal is not None
    assert [standing.admitted for standing in refusal] == [False, False]


def test_nothing_is_refused_from_memory_where_nobody_was_refused_or_nothing_is_known() -> None:
    assert minutes(minute=10).refusal([Charge("minute", TEN)], SENT) is None
    assert Views().refusal([Charge("minute", TEN)], SENT) is None


def test_another_generation_and_a_raised_quota_are_asked_about() -> None:
    views = minutes(**{"k:0": 10})
    deny(views, "k:0")
    assert views.refusal([Charge("k:0", TEN)], SENT) is not None
    assert views.refusal([Charge("k:1", TEN)], SENT) is None
    assert views.refusal([Charge("k:0", Limit(11, 60))], SENT) is None


def test_where_redis_may_be_another_one_all_is_asked_and_read_anew() -> None:
    views = minutes(a=10, b=10)
    deny(views, "a")
    views.expire_all(SENT)
    assert views.refusal([Charge("a", TEN)], SENT) is None
    for key in ("a", "b"):
        view = views.get(key)
        assert view is not None
        assert not reads_open(view, THIS, SENT)


def test_one_window_can_be_read_anew_alone_and_one_that_is_not_known_too() -> None:
    views = minutes(a=10, b=10)
    views.expire("a", SENT)
    views.expire("c", SENT)
    a, b = views.get("a"), views.get("b")
    assert a is not None
    assert b is not None
    assert (reads_open(a, THIS, SENT), reads_open(b, THIS, SENT)) == (False, True)
