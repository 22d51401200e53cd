"""Requests that several windows decide about, some of them in shadow, in one pipeline."""

import pytest
from redis.exceptions import ResponseError

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.errors import StoreUnavailable
from gateway.limiter.decision import Hit
from gateway.limiter.fallback import BackfillEntry
from tests.unit.gateway.limiter.builders import (
    NOW,
    SENT,
    THIS,
    TWO,
    Turn,
    admitted,
    check,
    hash_reply,
    one,
    statuses,
)

MINUTE, HOUR = Hit("minute", TWO), Hit("hour", Limit(3, 3600))
THIS_HOUR = window.sub_interval(NOW, 3600)


def minute_and_hour(minute: int, hour: int, checks: int = 1) -> list[object]:
    """The replies where so many stood in each of both windows before these checks of one unit each."""
    return [
        *(minute + checks, hash_reply({THIS: minute + checks}), 1),
        *(hour + checks, hash_reply({THIS_HOUR: hour + checks}), 1),
    ]


def test_a_request_passes_where_all_its_windows_admit_it_and_takes_a_unit_of_each() -> None:
    waiting, next_one = check(MINUTE, HOUR), check(MINUTE, HOUR)
    turn = Turn([waiting, next_one])
    turn.settle(*minute_and_hour(0, 0, checks=2))
    assert [[status.remaining for status in statuses(each)] for each in (waiting, next_one)] == [
        [1, 2],
        [0, 1],
    ]
    assert turn.refunded() == {}


@pytest.mark.parametrize(
    ("minute", "hour", "admitted_by"), [(2, 0, [False, True]), (0, 3, [True, False]), (2, 3, [False, False])]
)
def test_a_request_that_one_window_refuses_takes_nothing_of_any_and_gives_all_back_once(
    minute: int, hour: int, admitted_by: list[bool]
) -> None:
    refused = check(MINUTE, HOUR)
    turn = Turn([refused])
    turn.settle(*minute_and_hour(minute, hour))
    assert [status.admitted for status in statuses(refused)] == admitted_by
    refused.cancel(admitted_at=None)
    assert turn.refunded() == {("minute", THIS): 1, ("hour", THIS_HOUR): 1}
    refused.cancel(admitted_at=None)
    assert turn.refunded() == {}


def test_what_a_refused_request_would_have_taken_of_another_window_is_there_for_the_next() -> None:
    refused, other = check(MINUTE, HOUR), check(HOUR)
    Turn([refused, other]).settle(2 + 1, hash_reply({THIS: 3}), 1, 2 + 2, hash_reply({THIS_HOUR: 4}), 1)
    assert [status.admitted for status in statuses(refused)] == [False, True]
    assert admitted([other]) == [True]


def test_a_request_that_leaves_after_its_answer_gives_back_what_it_took_of_every_window() -> None:
    leaving = check(MINUTE, HOUR)
    turn = Turn([leaving])
    turn.settle(*minute_and_hour(0, 0))
    leaving.cancel(admitted_at=None)
    assert turn.refunded() == {("minute", THIS): 1, ("hour", THIS_HOUR): 1}


def test_a_window_in_shadow_that_is_full_refuses_nobody_and_takes_nothing() -> None:
    waiting = check(Hit("minute", TWO, shadow=True), HOUR)
    turn = Turn([waiting])
    turn.settle(*minute_and_hour(2, 0))
    assert [status.admitted for status in statuses(waiting)] == [False, True]
    assert turn.refunded() == {("minute", THIS): 1}
    assert turn.cache.rejection(waiting.hits, SENT) is None


def test_a_window_in_shadow_takes_nothing_of_a_request_that_another_refuses() -> None:
    refused = check(Hit("minute", TWO, shadow=True), HOUR)
    turn = Turn([refused])
    turn.settle(*minute_and_hour(0, 3))
    assert turn.refunded() == {("minute", THIS): 1, ("hour", THIS_HOUR): 1}


def test_a_refusal_is_remembered_by_the_window_that_refused_alone() -> None:
    turn = Turn([check(MINUTE, HOUR)])
    turn.settle(*minute_and_hour(2, 0))
    assert turn.cache.rejection([MINUTE], SENT) is not None
    assert turn.cache.rejection([HOUR], SENT) is None


def test_who_left_with_several_windows_gives_all_back_or_keeps_all() -> None:
    gone, passed, waiting = check(MINUTE, HOUR), check(MINUTE, HOUR), check(MINUTE, HOUR)
    turn = Turn([gone, passed, waiting])
    gone.cancel(admitted_at=None)
    passed.cancel(admitted_at=SENT)
    turn.settle(*minute_and_hour(0, 0, checks=3))
    assert turn.refunded() == {("minute", THIS): 1, ("hour", THIS_HOUR): 1}
    assert [status.remaining for status in statuses(waiting)] == [0, 1]
    assert turn.batch.uncounted == []


def test_who_is_late_and_passes_all_the_same_keeps_the_units_and_is_not_owed() -> None:
    late = check(MINUTE, HOUR, asked=SENT - 1)
    turn = Turn([late])
    turn.settle(*minute_and_hour(0, 0), enqueued_since=SENT)
    assert isinstance(late.result, StoreUnavailable)
    assert late.cancel(admitted_at=SENT) is True
    assert turn.refunded() == {}


@pytest.mark.parametrize("side", [-1, 1])
def test_one_window_for_which_the_batch_was_untimely_sends_the_whole_request_around_again(
    side: int,
) -> None:
    """E is 15 s for an hour and a quarter of a second for a minute."""
    waiting, other = check(MINUTE, HOUR), check(HOUR)
    turn = Turn([waiting, other])
    replies = [1, hash_reply({THIS: 1}), 1, 2, hash_reply({THIS_HOUR: 2}), 1]
    again = turn.settle(*replies, executed=NOW + side * (window.stamp_tolerance(60) + 1))
    assert again == [waiting]
    assert admitted([other]) == [True]
    assert turn.refunded() == {("minute", THIS): 1, ("hour", THIS_HOUR): 1}


def test_a_request_of_which_redis_counts_one_window_only_fails_and_gives_that_back() -> None:
    waiting, other = check(MINUTE, HOUR), check(HOUR)
    turn = Turn([waiting, other])
    wrong = ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
    turn.settle(wrong, wrong, 1, 2, hash_reply({THIS_HOUR: 2}), 1)
    assert isinstance(waiting.result, StoreUnavailable)
    assert admitted([other]) == [True]
    assert turn.refunded() == {("hour", THIS_HOUR): 1}
    assert turn.batch.error_reply is wrong


OUT_OF_MEMORY = ResponseError("OOM command not allowed when used memory > 'maxmemory'.")


@pytest.mark.parametrize(
    ("first", "executed"), [((OUT_OF_MEMORY, [], 0), NOW), ((1, hash_reply({THIS: 1}), 1), NOW - 10**6)]
)
def test_who_passed_is_posted_anew_where_redis_counted_it_in_part_or_far_from_its_time(
    first: tuple[object, ...], executed: int
) -> None:
    passed = check(MINUTE, HOUR)
    turn = Turn([passed])
    passed.cancel(admitted_at=SENT)
    turn.settle(*first, 1, hash_reply({THIS_HOUR: 1}), 1, executed=executed)
    assert turn.batch.uncounted == [BackfillEntry.of(MINUTE, SENT), BackfillEntry.of(HOUR, SENT)]
    assert turn.refunded()["hour", THIS_HOUR] == 1
    assert turn.refunded() == {}


def test_a_batch_that_is_lost_fails_who_waits_and_owes_for_who_passed() -> None:
    waiting, passed, gone = one(), check(MINUTE, HOUR), one()
    batch = Turn([waiting, passed, gone]).batch
    passed.cancel(admitted_at=SENT)
    gone.cancel(admitted_at=None)
    batch.fail(StoreUnavailable("the connection broke"))
    with pytest.raises(StoreUnavailable, match="broke"):
        statuses(waiting)
    assert batch.uncounted == [BackfillEntry.of(MINUTE, SENT), BackfillEntry.of(HOUR, SENT)]
    assert waiting.cancel(admitted_at=SENT) is False


def test_the_units_of_a_batch_and_the_windows_it_told_of_are_known() -> None:
    full = one("full", cost=3)
    turn = Turn([check(MINUTE, HOUR), full])
    assert turn.batch.units == 5
    turn.settle(*minute_and_hour(0, 0), ResponseError("OOM"), [], 0)
    assert isinstance(full.result, StoreUnavailable)
    assert list(turn.batch.keys) == ["minute", "hour"]
