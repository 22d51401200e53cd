"""Pipelines and their replies, without a Redis."""

import pytest
from redis.exceptions import ResponseError

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.errors import StoreUnavailable
from gateway.limiter.ask import Ask
from gateway.limiter.batch import Batch
from gateway.limiter.charge import Charge
from gateway.limiter.commands import Command
from gateway.limiter.corrections import Corrections
from gateway.limiter.ledger import Posting
from gateway.limiter.view import READ_SECONDS
from gateway.limiter.views import Views
from tests.unit.gateway.limiter.builders import (
    NOW,
    SENT,
    TEN,
    THIS,
    TWO,
    Turn,
    admitted,
    ask,
    hash_reply,
    increments,
    known,
    one,
    standings,
    time_reply,
)
from tests.unit.gateway.limiter.pipelines import commands, commands_of

BACK = {("k", THIS): 1}
"""One unit goes back."""


def test_requests_of_one_client_in_one_turn_are_one_command() -> None:
    batch = Batch([one("a"), one("b"), one("a")], NOW, SENT, Views())
    sent = commands_of(batch)
    assert increments(sent) == [("HINCRBY", "a", THIS, 2), ("HINCRBY", "b", THIS, 1)]
    assert sent[0] == sent[-1] == ("TIME",)


def test_every_batch_renews_its_keys_expiry() -> None:
    assert ("PEXPIRE", "k", window.key_lifetime_ms(60)) in commands_of(Batch([one()], NOW, SENT, Views()))


def test_a_refused_request_is_given_back() -> None:
    asks = [one(), one(), one()]
    turn = Turn(asks)
    turn.settle(3, hash_reply({THIS: 3}), 1)
    assert admitted(asks) == [True, True, False]
    assert turn.given_back() == BACK


def test_a_batch_outside_its_stamps_tolerance_admits_nobody_and_asks_again() -> None:
    asks = [one()]
    turn = Turn(asks)
    again = turn.settle(1, hash_reply({THIS: 1}), 1, executed=NOW + window.stamp_tolerance(60) + 1)
    assert again == asks
    assert asks[0].answer is None
    assert turn.given_back() == BACK


def test_a_reply_that_comes_too_late_admits_nobody_and_its_unit_stays_until_it_is_settled() -> None:
    late = one(asked=SENT)
    turn = Turn([late])
    assert turn.settle(1, hash_reply({THIS: 1}), 1, asked_since=SENT + 0.001) == []
    assert turn.given_back() == {}
    with pytest.raises(StoreUnavailable):
        standings(late)
    late.leave(passed_at=None)
    assert turn.given_back() == BACK


def test_a_unit_goes_back_once_however_often_its_requester_leaves() -> None:
    late = one(asked=SENT)
    turn = Turn([late])
    turn.settle(1, hash_reply({THIS: 1}), 1, asked_since=SENT + 0.001)
    with pytest.raises(StoreUnavailable):
        standings(late)
    late.leave(passed_at=None)
    late.leave(passed_at=None)
    assert turn.given_back() == BACK


def test_who_left_refused_gives_the_unit_back_and_who_left_admitted_keeps_it() -> None:
    gone, passed, waiting = one(), one(), one()
    turn = Turn([gone, passed, waiting])
    gone.leave(passed_at=None)
    passed.leave(passed_at=SENT)
    turn.settle(3, hash_reply({THIS: 3}), 1)
    assert turn.given_back() == BACK
    assert standings(waiting)[0].admitted
    assert standings(waiting)[0].remaining == 0


def test_a_unit_that_was_let_through_without_the_answer_takes_a_place() -> None:
    passed, passed_too, waiting = one(), one(), one()
    turn = Turn([passed, passed_too, waiting])
    passed.leave(passed_at=SENT)
    passed_too.leave(passed_at=SENT)
    turn.settle(3, hash_reply({THIS: 3}), 1)
    assert admitted([waiting]) == [False]


def test_a_store_that_refuses_to_count_is_an_outage_for_that_key_alone() -> None:
    full, fine = one("full"), one("fine")
    turn = Turn([full, fine])
    refusal = ResponseError("OOM command not allowed")
    turn.settle(refusal, [], refusal, 1, hash_reply({THIS: 1}), 1)
    with pytest.raises(StoreUnavailable, match="OOM"):
        standings(full)
    assert admitted([fine]) == [True]
    assert turn.given_back() == {}


def test_a_window_that_cannot_be_read_admits_nobody() -> None:
    waiting = one()
    turn = Turn([waiting])
    assert turn.settle(1, ResponseError("WRONGTYPE"), 1) == [waiting]
    assert turn.given_back() == BACK


def test_a_field_that_no_node_wrote_does_not_hide_the_others() -> None:
    waiting = one()
    Turn([waiting]).settle(1, [b"note", b"x", *hash_reply({THIS: 1, THIS - 1: 2})], 1)
    assert admitted([waiting]) == [False]


def test_a_field_that_holds_more_than_redis_can_count_does_not_let_anybody_pass() -> None:
    waiting, other = one(), one("other")
    huge = [b"%d" % (THIS - 5), b"9" * 25]
    Turn([waiting, other]).settle(1, [*hash_reply({THIS: 1}), *huge], 1, 1, hash_reply({THIS: 1}), 1)
    assert admitted([waiting, other]) == [False, True]


def test_a_store_that_refuses_to_tell_the_time_is_an_outage() -> None:
    batch = Batch([one()], NOW, SENT, Views())
    with pytest.raises(StoreUnavailable, match="NOAUTH"):
        batch.executed([ResponseError("NOAUTH Authentication required"), 1, [], 1, time_reply(NOW)])


@pytest.mark.parametrize("fields", [[b"5"], [b"5", None], [None, b"5"], [[], []]])
def test_a_hash_of_a_wrong_shape_decides_nothing(fields: list[object]) -> None:
    waiting = one()
    assert Turn([waiting]).settle(1, fields, 1) == [waiting]


@pytest.mark.parametrize("reply", [[b"x", b"1"], [None, None], [b"1"], 7])
def test_a_time_of_a_wrong_shape_is_an_outage(reply: object) -> None:
    batch = Turn([one()]).batch
    with pytest.raises(StoreUnavailable, match="nonsense"):
        batch.executed([reply, 1, [], 1, reply])


def test_replies_are_told_from_those_of_the_corrections_before_them() -> None:
    waiting = one()
    turn = Turn([waiting], before=[("HINCRBY", "other", 1, -1), ("PEXPIRE", "other", 1)])
    turn.settle(99, 1, 1, hash_reply({THIS: 1}), 1)
    assert standings(waiting)[0].remaining == 1


def test_dead_sub_intervals_are_deleted_with_the_next_pipeline() -> None:
    dead = window.oldest_kept(NOW, 60) - 1
    corrections = Corrections(lambda: None)
    Turn([one()], corrections=corrections).settle(1, hash_reply({THIS: 1, dead: 5}), 1)
    assert ("HDEL", "k", dead) in commands(corrections.take_commands(NOW))


MINUTE, HOUR = Charge("minute", TWO), Charge("hour", Limit(3, 3600))
THIS_HOUR = window.sub_interval(NOW, 3600)


def minute_and_hour(minute: int, hour: int, asks: int = 1) -> list[object]:
    """The replies where so many stood in each of both windows before these asks of one unit each."""
    return [
        *(minute + asks, hash_reply({THIS: minute + asks}), 1),
        *(hour + asks, hash_reply({THIS_HOUR: hour + asks}), 1),
    ]


def test_a_request_passes_where_all_its_windows_admit_it_and_takes_a_unit_of_each() -> None:
    waiting, next_one = ask(MINUTE, HOUR), ask(MINUTE, HOUR)
    turn = Turn([waiting, next_one])
    turn.settle(*minute_and_hour(0, 0, asks=2))
    assert [[standing.remaining for standing in standings(each)] for each in (waiting, next_one)] == [
        [1, 2],
        [0, 1],
    ]
    assert turn.given_back() == {}


@pytest.mark.parametrize(
    ("minute", "hour", "admitted_by"), [(2, 0, [False, True]), (0, 3, [True, False]), (2, 3, [False, False])]
)
def test_a_request_that_one_window_refuses_takes_nothing_of_any_and_gives_all_back_once(
    minute: int, hour: int, admitted_by: list[bool]
) -> None:
    refused = ask(MINUTE, HOUR)
    turn = Turn([refused])
    turn.settle(*minute_and_hour(minute, hour))
    assert [standing.admitted for standing in standings(refused)] == admitted_by
    refused.leave(passed_at=None)
    assert turn.given_back() == {("minute", THIS): 1, ("hour", THIS_HOUR): 1}
    refused.leave(passed_at=None)
    assert turn.given_back() == {}


def test_what_a_refused_request_would_have_taken_of_another_window_is_there_for_the_next() -> None:
    refused, other = ask(MINUTE, HOUR), ask(HOUR)
    Turn([refused, other]).settle(2 + 1, hash_reply({THIS: 3}), 1, 2 + 2, hash_reply({THIS_HOUR: 4}), 1)
    assert [standing.admitted for standing in standings(refused)] == [False, True]
    assert admitted([other]) == [True]


def test_a_request_that_leaves_after_its_answer_gives_back_what_it_took_of_every_window() -> None:
    leaving = ask(MINUTE, HOUR)
    turn = Turn([leaving])
    turn.settle(*minute_and_hour(0, 0))
    leaving.leave(passed_at=None)
    assert turn.given_back() == {("minute", THIS): 1, ("hour", THIS_HOUR): 1}


def test_a_request_takes_its_cost_and_gives_its_cost_back() -> None:
    asks = [one(limit=TEN, cost=cost) for cost in (4, 7, 3)]
    turn = Turn(asks)
    assert increments(commands_of(turn.batch)) == [("HINCRBY", "k", THIS, 14)]
    turn.settle(14, hash_reply({THIS: 14}), 1)
    assert admitted(asks) == [True, False, True]
    assert [standings(each)[0].remaining for each in asks] == [6, 6, 3]
    assert turn.given_back() == {("k", THIS): 7}


def test_a_refused_cost_waits_until_so_much_has_left() -> None:
    costly, cheap = one(limit=TEN, cost=8), one(limit=TEN, cost=3)
    Turn([costly, cheap]).settle(11, hash_reply({THIS - 40: 4, THIS - 20: 5, THIS: 11}), 1)
    waits = [NOW + round(standings(each)[0].wait_seconds * 1_000_000) for each in (costly, cheap)]
    assert waits == [window.leaves_at(THIS - 20, 60), window.leaves_at(THIS - 40, 60)]


def test_a_window_in_shadow_that_is_full_refuses_nobody_and_takes_nothing() -> None:
    waiting = ask(Charge("minute", TWO, shadow=True), HOUR)
    turn = Turn([waiting])
    turn.settle(*minute_and_hour(2, 0))
    assert [standing.admitted for standing in standings(waiting)] == [False, True]
    assert turn.given_back() == {("minute", THIS): 1}
    assert turn.views.refusal(waiting.charges, SENT) is None


def test_a_window_in_shadow_takes_nothing_of_a_request_that_another_refuses() -> None:
    refused = ask(Charge("minute", TWO, shadow=True), HOUR)
    turn = Turn([refused])
    turn.settle(*minute_and_hour(0, 3))
    assert turn.given_back() == {("minute", THIS): 1, ("hour", THIS_HOUR): 1}


def test_a_refusal_is_remembered_by_the_window_that_refused_alone() -> None:
    turn = Turn([ask(MINUTE, HOUR)])
    turn.settle(*minute_and_hour(2, 0))
    assert turn.views.refusal([MINUTE], SENT) is not None
    assert turn.views.refusal([HOUR], SENT) is None


def test_who_left_with_several_windows_gives_all_back_or_keeps_all() -> None:
    gone, passed, waiting = ask(MINUTE, HOUR), ask(MINUTE, HOUR), ask(MINUTE, HOUR)
    turn = Turn([gone, passed, waiting])
    gone.leave(passed_at=None)
    passed.leave(passed_at=SENT)
    turn.settle(*minute_and_hour(0, 0, asks=3))
    assert turn.given_back() == {("minute", THIS): 1, ("hour", THIS_HOUR): 1}
    assert [standing.remaining for standing in standings(waiting)] == [0, 1]
    assert turn.batch.lacking == []


def test_who_asked_too_long_ago_is_not_admitted_and_who_asked_later_is() -> None:
    late, timely = one(asked=SENT - 1), one(asked=SENT)
    turn = Turn([late, timely])
    turn.settle(2, hash_reply({THIS: 2}), 1, asked_since=SENT - 0.5)
    with pytest.raises(StoreUnavailable):
        standings(late)
    assert admitted([timely]) == [True]


def test_who_is_late_and_passes_all_the_same_keeps_the_units_and_is_not_owed() -> None:
    late = ask(MINUTE, HOUR, asked=SENT - 1)
    turn = Turn([late])
    turn.settle(*minute_and_hour(0, 0), asked_since=SENT)
    assert isinstance(late.answer, StoreUnavailable)
    assert late.leave(passed_at=SENT) is True
    assert turn.given_back() == {}


@pytest.mark.parametrize("side", [-1, 1])
def test_one_window_for_which_the_batch_was_untimely_sends_the_whole_request_around_again(
    side: int,
) -> None:
    """E is 15 s for an hour and a quarter of a second for a minute."""
    waiting, other = ask(MINUTE, HOUR), ask(HOUR)
    turn = Turn([waiting, other])
    replies = [1, hash_reply({THIS: 1}), 1, 2, hash_reply({THIS_HOUR: 2}), 1]
    again = turn.settle(*replies, executed=NOW + side * (window.stamp_tolerance(60) + 1))
    assert again == [waiting]
    assert admitted([other]) == [True]
    assert turn.given_back() == {("minute", THIS): 1, ("hour", THIS_HOUR): 1}


def test_who_asks_again_is_counted_anew_and_decided_like_any_other() -> None:
    waiting = one()
    Turn([waiting]).settle(1, hash_reply({THIS: 1}), 1, executed=NOW + 10**7)
    turn = Turn([waiting])
    assert increments(commands_of(turn.batch)) == [("HINCRBY", "k", THIS, 1)]
    turn.settle(3, hash_reply({THIS: 3}), 1)
    assert admitted([waiting]) == [False]
    assert turn.given_back() == BACK


def test_a_request_of_which_redis_counts_one_window_only_fails_and_gives_that_back() -> None:
    waiting, other = ask(MINUTE, HOUR), ask(HOUR)
    turn = Turn([waiting, other])
    wrong = ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
    turn.settle(wrong, wrong, 1, 2, hash_reply({THIS_HOUR: 2}), 1)
    assert isinstance(waiting.answer, StoreUnavailable)
    assert admitted([other]) == [True]
    assert turn.given_back() == {("hour", THIS_HOUR): 1}
    assert turn.batch.refusal is wrong


OUT_OF_MEMORY = ResponseError("OOM command not allowed when used memory > 'maxmemory'.")


@pytest.mark.parametrize(
    ("first", "executed"), [((OUT_OF_MEMORY, [], 0), NOW), ((1, hash_reply({THIS: 1}), 1), NOW - 10**6)]
)
def test_who_passed_is_posted_anew_where_redis_counted_it_in_part_or_far_from_its_time(
    first: tuple[object, ...], executed: int
) -> None:
    passed = ask(MINUTE, HOUR)
    turn = Turn([passed])
    passed.leave(passed_at=SENT)
    turn.settle(*first, 1, hash_reply({THIS_HOUR: 1}), 1, executed=executed)
    assert turn.batch.lacking == [Posting.of(MINUTE, SENT), Posting.of(HOUR, SENT)]
    assert turn.given_back()["hour", THIS_HOUR] == 1
    assert turn.given_back() == {}


def test_a_batch_that_is_lost_fails_who_waits_and_owes_for_who_passed() -> None:
    waiting, passed, gone = one(), ask(MINUTE, HOUR), one()
    batch = Turn([waiting, passed, gone]).batch
    passed.leave(passed_at=SENT)
    gone.leave(passed_at=None)
    batch.lose(StoreUnavailable("the connection broke"))
    with pytest.raises(StoreUnavailable, match="broke"):
        standings(waiting)
    assert batch.lacking == [Posting.of(MINUTE, SENT), Posting.of(HOUR, SENT)]
    assert waiting.leave(passed_at=SENT) is False


def test_postings_that_redis_refuses_or_never_answers_are_owed_again() -> None:
    first, second = Posting("a", 60, 1, 2), Posting("b", 60, 1, 3)
    posting: list[Command] = [
        *(("HINCRBY", "a", 1, 2), ("HINCRBY", "a", window.POSTED, 2), ("PEXPIRE", "a", 9)),
        *(("HINCRBY", "b", 1, 3), ("HINCRBY", "b", window.POSTED, 3), ("PEXPIRE", "b", 9)),
    ]
    refused = Turn([], before=posting, postings=[first, second])
    refused.settle(2, 2, 1, ResponseError("OOM"), ResponseError("OOM"), 0)
    assert refused.batch.lacking == [second]
    lost = Turn([], before=posting, postings=[first, second])
    lost.batch.lose(StoreUnavailable("gone"))
    assert lost.batch.lacking == [first, second]


def test_a_client_that_was_read_just_now_is_read_in_part_and_anew_when_that_is_old() -> None:
    views = Views()
    Turn([one()], views=views).settle(1, hash_reply({THIS: 1}), 1)
    soon = commands_of(Batch([one()], NOW + 1000, SENT + 0.001, views))
    later = commands_of(Batch([one()], NOW + 1000, SENT + READ_SECONDS, views))
    assert ("HMGET", "k", THIS - 1, THIS + 1) in soon
    assert ("HGETALL", "k") in later


def test_a_key_of_which_nothing_is_known_is_renewed_before_it_is_counted_in() -> None:
    """It might be about to expire, between two commands of the pipeline, and what was counted with it."""
    views = Views()
    first = Turn([one()], views=views)
    assert [command[0] for command in commands_of(first.batch)[1:-1]] == [
        "PEXPIRE",
        "HINCRBY",
        "HGETALL",
        "PEXPIRE",
    ]
    first.settle(1, hash_reply({THIS: 1}), 1)
    again = Batch([one()], NOW, SENT, views)
    assert [command[0] for command in commands_of(again)[1:-1]] == ["HINCRBY", "HMGET", "PEXPIRE"]


@pytest.mark.parametrize(("after_seconds", "renews_first"), [(1, False), (59, False), (60, True)])
def test_a_key_that_was_renewed_within_its_period_is_not_renewed_first(
    after_seconds: int, renews_first: bool
) -> None:
    """It lives for more than that: a pipeline for one key has eight commands with all that goes back."""
    views, back = Views(), Corrections(lambda: None)
    Turn([one()], views=views).settle(1, hash_reply({THIS: 1}), 1)
    stamp = NOW + after_seconds * window.MICROSECONDS
    for number in (THIS + after_seconds - 1, THIS + after_seconds):
        back.give_back("k", 60, number, 1)
    back.delete("k", 60, [THIS - 70])
    before = back.take_commands(stamp, {"k"})
    sent = commands_of(Batch([one()], stamp, SENT + after_seconds, views, before=before))
    assert len(sent) == (9 if renews_first else 8)
    assert (sent[4][0] == "PEXPIRE") == renews_first


@pytest.mark.parametrize("answers", [(1, [], 0), (1, hash_reply({THIS: 1}), 0), (1, [], 1)])
def test_a_unit_that_expired_with_its_key_admits_nobody(answers: tuple[object, ...]) -> None:
    """Between HINCRBY and HGETALL, before PEXPIRE, or before another node wrote the key anew."""
    waiting = one()
    assert Turn([waiting]).settle(*answers) == [waiting]


def test_a_reading_in_part_of_a_sub_interval_that_has_ended_meanwhile_decides_nothing() -> None:
    """A whole reading of the next came back first, so what this one lacks is not known any more."""
    views = Views()
    Turn([one()], views=views).settle(1, hash_reply({THIS: 1}), 1)
    waiting = one()
    behind = Turn([waiting], views=views, sent=SENT + 0.1)
    known(views, "k", {}, at=NOW + 1_000_000, sent=SENT + 0.1)
    assert behind.settle(2, [None, None], 1) == [waiting]
    assert behind.given_back() == BACK


def test_the_units_of_a_batch_and_the_windows_it_told_of_are_known() -> None:
    full = one("full", cost=3)
    turn = Turn([ask(MINUTE, HOUR), full])
    assert turn.batch.units == 5
    turn.settle(*minute_and_hour(0, 0), ResponseError("OOM"), [], 0)
    assert isinstance(full.answer, StoreUnavailable)
    assert list(turn.batch.keys) == ["minute", "hour"]


def read_on(views: Views, posted: int | None, *, steps: int = 1) -> tuple[Turn, Ask, list[Ask]]:
    """A decision so many sub-intervals after a full window was read; what was asked, and must be again."""
    full = dict.fromkeys(range(THIS - window.SUB_INTERVALS, THIS + 1), 1)
    known(views, "k", full)
    waiting = one(limit=Limit(100, 60))
    turn = Turn([waiting], views=views, stamp=NOW + steps * window.MICROSECONDS, sent=SENT + steps)
    reply = [*[b"1"] * (steps + 1), None, None if posted is None else b"%d" % posted]
    again = turn.settle(1, reply, 1, executed=NOW + steps * window.MICROSECONDS)
    return turn, waiting, again


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_window_that_is_known_is_read_on_from_where_it_was_open(steps: int) -> None:
    turn, waiting, again = read_on(Views(), None, steps=steps)
    fields = [*range(THIS - 1, THIS + steps), THIS + steps + 1, window.POSTED]
    assert ("HMGET", "k", *fields) in commands_of(turn.batch)
    assert again == []
    assert standings(waiting)[0].remaining == 100 - (window.SUB_INTERVALS + 1) - 1


def test_a_window_into_which_something_was_posted_is_read_anew() -> None:
    """Into one that was closed, and had been read."""
    views = Views()
    turn, waiting, again = read_on(views, 3)
    assert again == [waiting]
    assert turn.given_back() == {("k", THIS + 1): 1}
    anew = Batch(again, NOW + window.MICROSECONDS, SENT + 1, views)
    assert ("HGETALL", "k") in commands_of(anew)


def test_what_is_not_counted_any_more_is_deleted_without_being_read() -> None:
    turn, _, _ = read_on(Views(), None, steps=3)
    later = NOW + 3 * window.MICROSECONDS
    dead = range(THIS - window.SUB_INTERVALS, window.oldest_kept(later, 60))
    assert len(dead) > 0
    assert ("HDEL", "k", *dead) in commands(turn.corrections.take_commands(later))


def test_an_answer_that_a_later_one_has_overtaken_is_read_on_from_there() -> None:
    """Two batches under way were both made by what was known before them."""
    views, later = Views(), NOW + window.MICROSECONDS
    known(views, "k", dict.fromkeys(range(THIS - window.SUB_INTERVALS, THIS + 1), 1))
    asks = [one(limit=Limit(100, 60)) for _ in range(2)]
    turns = [Turn([each], views=views, stamp=later, sent=SENT + 1) for each in asks]
    for number, turn in enumerate(turns, 1):
        assert turn.settle(number, [b"1", b"1", None, None], 1, executed=later) == []
    assert [standings(each)[0].remaining for each in asks] == [38, 37]
