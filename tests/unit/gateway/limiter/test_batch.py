"""Pipelines and their replies, without a Redis: who is admitted, and what goes back."""

import pytest
from redis.exceptions import ResponseError

from gateway.contract import window
from gateway.errors import StoreUnavailable
from gateway.limiter.batch import Batch, Refunds
from gateway.limiter.fallback import BackfillEntry
from gateway.limiter.frame import Command
from gateway.limiter.window_cache import WindowCache
from tests.unit.gateway.limiter.builders import (
    NOW,
    SENT,
    TEN,
    THIS,
    Turn,
    admitted,
    hash_reply,
    increments,
    known,
    one,
    statuses,
    time_reply,
)
from tests.unit.gateway.limiter.pipelines import commands, commands_of

BACK = {("k", THIS): 1}
"""One unit goes back."""


def test_requests_of_one_client_in_one_turn_are_one_command() -> None:
    batch = Batch([one("a"), one("b"), one("a")], NOW, SENT, WindowCache())
    sent = commands_of(batch)
    assert increments(sent) == [("HINCRBY", "a", THIS, 2), ("HINCRBY", "b", THIS, 1)]
    assert sent[0] == sent[-1] == ("TIME",)


def test_every_batch_renews_its_keys_expiry() -> None:
    assert ("PEXPIRE", "k", window.key_lifetime_ms(60)) in commands_of(
        Batch([one()], NOW, SENT, WindowCache())
    )


def test_a_refused_request_is_given_back() -> None:
    checks = [one(), one(), one()]
    turn = Turn(checks)
    turn.settle(3, hash_reply({THIS: 3}), 1)
    assert admitted(checks) == [True, True, False]
    assert turn.refunded() == BACK


def test_a_batch_outside_its_stamps_tolerance_admits_nobody_and_asks_again() -> None:
    checks = [one()]
    turn = Turn(checks)
    again = turn.settle(1, hash_reply({THIS: 1}), 1, executed=NOW + window.stamp_tolerance(60) + 1)
    assert again == checks
    assert checks[0].result is None
    assert turn.refunded() == BACK


def test_a_reply_that_comes_too_late_admits_nobody_and_its_unit_stays_until_it_is_settled() -> None:
    late = one(asked=SENT)
    turn = Turn([late])
    assert turn.settle(1, hash_reply({THIS: 1}), 1, enqueued_since=SENT + 0.001) == []
    assert turn.refunded() == {}
    with pytest.raises(StoreUnavailable):
        statuses(late)
    late.cancel(admitted_at=None)
    assert turn.refunded() == BACK


def test_a_unit_goes_back_once_however_often_its_requester_leaves() -> None:
    late = one(asked=SENT)
    turn = Turn([late])
    turn.settle(1, hash_reply({THIS: 1}), 1, enqueued_since=SENT + 0.001)
    with pytest.raises(StoreUnavailable):
        statuses(late)
    late.cancel(admitted_at=None)
    late.cancel(admitted_at=None)
    assert turn.refunded() == BACK


def test_who_left_refused_gives_the_unit_back_and_who_left_admitted_keeps_it() -> None:
    gone, passed, waiting = one(), one(), one()
    turn = Turn([gone, passed, waiting])
    gone.cancel(admitted_at=None)
    passed.cancel(admitted_at=SENT)
    turn.settle(3, hash_reply({THIS: 3}), 1)
    assert turn.refunded() == BACK
    assert statuses(waiting)[0].admitted
    assert statuses(waiting)[0].remaining == 0


def test_a_unit_that_was_let_through_without_the_answer_takes_a_place() -> None:
    passed, passed_too, waiting = one(), one(), one()
    turn = Turn([passed, passed_too, waiting])
    passed.cancel(admitted_at=SENT)
    passed_too.cancel(admitted_at=SENT)
    turn.settle(3, hash_reply({THIS: 3}), 1)
    assert admitted([waiting]) == [False]


def test_a_store_that_refuses_to_count_is_an_outage_for_that_key_alone() -> None:
    full, fine = one("full"), one("fine")
    turn = Turn([full, fine])
    refusal = ResponseError("OOM command not allowed")
    turn.settle(refusal, [], refusal, 1, hash_reply({THIS: 1}), 1)
    with pytest.raises(StoreUnavailable, match="OOM"):
        statuses(full)
    assert admitted([fine]) == [True]
    assert turn.refunded() == {}


def test_a_window_that_cannot_be_read_admits_nobody() -> None:
    waiting = one()
    turn = Turn([waiting])
    assert turn.settle(1, ResponseError("WRONGTYPE"), 1) == [waiting]
    assert turn.refunded() == BACK


def test_a_field_that_no_node_wrote_does_not_hide_the_others() -> None:
    waiting = one()
    Turn([waiting]).settle(1, [b"note", b"x", *hash_reply({THIS: 1, THIS - 1: 2})], 1)
    assert admitted([waiting]) == [False]


def test_a_field_that_holds_more_than_redis_can_count_does_not_let_anybody_pass() -> None:
    waiting, other = one(), one("other")
    huge = [b"%d" % (THIS - 5), b"9" * 25]
    Turn([waiting, other]).settle(1, [*hash_reply({THIS: 1}), *huge], 1, 1, hash_reply({THIS: 1}), 1)
    assert admitted([waiting, other]) == [False, True]


@pytest.mark.parametrize(
    ("after", "fields"),
    [
        (-2, {THIS: -2}),
        (0, {THIS: 0}),  # it was -1
        (1, {THIS: 1, THIS - 1: -2}),
        (1, {THIS: 1, THIS + 1: -2}),
        (1, {THIS: 1, THIS - 30: -2}),
    ],
)
def test_a_window_with_a_count_below_zero_decides_nothing(after: int, fields: dict[int, int]) -> None:
    waiting = one()
    turn = Turn([waiting])
    assert turn.settle(after, hash_reply(fields), 1) == [waiting]
    assert turn.batch.has_deficits
    assert turn.refunded() == {("k", THIS): 1}


@pytest.mark.parametrize("open_counts", [[b"-1", None], [None, b"-1"]])
def test_an_open_count_below_zero_decides_nothing(open_counts: list[bytes | None]) -> None:
    cache, waiting = WindowCache(), one()
    known(cache, "k", {THIS: 1})
    turn = Turn([waiting], cache=cache)
    assert turn.settle(1, open_counts, 1) == [waiting]
    assert turn.batch.has_deficits


def test_a_count_below_zero_that_has_left_the_window_is_no_hindrance() -> None:
    waiting = one()
    left = window.oldest_counted(NOW, 60) - 1
    assert Turn([waiting]).settle(1, hash_reply({left: -2, THIS: 1}), 1) == []
    assert admitted([waiting]) == [True]


def test_a_refund_that_leaves_less_than_zero_is_undone_in_whole() -> None:
    back = Refunds(lambda: None)
    back.refund("k", 60, THIS, 5)
    back.refund("other", 60, THIS, 5)
    before, refunds = back.take(NOW)
    turn = Turn([], before=commands(b"".join(before)), corrections=back, refunds=refunds)
    turn.settle(-2, 1, 0, 1)
    assert back.has_additions
    again, refunds = back.take(NOW)
    assert commands(again)[0] == ("HINCRBY", "k", THIS, 5)
    assert refunds == []
    assert not back.has_additions


def test_deficits_are_filled_up_to_what_stood_before_the_batch() -> None:
    turn = Turn([one(cost=2)])
    turn.settle(-3, hash_reply({THIS: -3}), 1)
    turn.corrections.take(NOW)
    turn.batch.fill_deficits(turn.corrections)
    assert commands(turn.corrections.take(NOW)[0])[0] == ("HINCRBY", "k", THIS, 5)


def test_a_store_that_refuses_to_tell_the_time_is_an_outage() -> None:
    batch = Batch([one()], NOW, SENT, WindowCache())
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
    assert statuses(waiting)[0].remaining == 1


def test_dead_sub_intervals_are_deleted_with_the_next_pipeline() -> None:
    dead = window.oldest_kept(NOW, 60) - 1
    corrections = Refunds(lambda: None)
    Turn([one()], corrections=corrections).settle(1, hash_reply({THIS: 1, dead: 5}), 1)
    assert ("HDEL", "k", dead) in commands(corrections.take(NOW)[0])


def test_a_request_takes_its_cost_and_gives_its_cost_back() -> None:
    checks = [one(limit=TEN, cost=cost) for cost in (4, 7, 3)]
    turn = Turn(checks)
    assert increments(commands_of(turn.batch)) == [("HINCRBY", "k", THIS, 14)]
    turn.settle(14, hash_reply({THIS: 14}), 1)
    assert admitted(checks) == [True, False, True]
    assert [statuses(each)[0].remaining for each in checks] == [6, 6, 3]
    assert turn.refunded() == {("k", THIS): 7}


def test_a_refused_cost_waits_until_so_much_has_left() -> None:
    costly, cheap = one(limit=TEN, cost=8), one(limit=TEN, cost=3)
    Turn([costly, cheap]).settle(11, hash_reply({THIS - 40: 4, THIS - 20: 5, THIS: 11}), 1)
    waits = [NOW + round(statuses(each)[0].wait_seconds * 1_000_000) for each in (costly, cheap)]
    assert waits == [window.leaves_at(THIS - 20, 60), window.leaves_at(THIS - 40, 60)]


def test_who_asked_too_long_ago_is_not_admitted_and_who_asked_later_is() -> None:
    late, timely = one(asked=SENT - 1), one(asked=SENT)
    turn = Turn([late, timely])
    turn.settle(2, hash_reply({THIS: 2}), 1, enqueued_since=SENT - 0.5)
    with pytest.raises(StoreUnavailable):
        statuses(late)
    assert admitted([timely]) == [True]


def test_a_batch_is_waited_for_since_the_first_who_still_does_asked_or_else_since_it_was_sent() -> None:
    gone, waiting = one(asked=SENT - 0.2), one(asked=SENT - 0.1)
    batch = Batch([waiting, gone], NOW, SENT, WindowCache())
    gone.cancel(admitted_at=None)
    assert batch.waiting_since() == SENT - 0.1
    waiting.fail(StoreUnavailable("late"))
    assert batch.waiting_since() == SENT


def test_who_asks_again_is_counted_anew_and_decided_like_any_other() -> None:
    waiting = one()
    Turn([waiting]).settle(1, hash_reply({THIS: 1}), 1, executed=NOW + 10**7)
    turn = Turn([waiting])
    assert increments(commands_of(turn.batch)) == [("HINCRBY", "k", THIS, 1)]
    turn.settle(3, hash_reply({THIS: 3}), 1)
    assert admitted([waiting]) == [False]
    assert turn.refunded() == BACK


def test_postings_that_redis_refuses_or_never_answers_are_owed_again() -> None:
    first, second = BackfillEntry("a", 60, 1, 2), BackfillEntry("b", 60, 1, 3)
    entry: list[Command] = [
        *(("HINCRBY", "a", 1, 2), ("HINCRBY", "a", window.BACKFILLED, 2), ("PEXPIRE", "a", 9)),
        *(("HINCRBY", "b", 1, 3), ("HINCRBY", "b", window.BACKFILLED, 3), ("PEXPIRE", "b", 9)),
    ]
    refused = Turn([], before=entry, backfill=[first, second])
    refused.settle(2, 2, 1, ResponseError("OOM"), ResponseError("OOM"), 0)
    assert refused.batch.uncounted == [second]
    lost = Turn([], before=entry, backfill=[first, second])
    lost.batch.fail(StoreUnavailable("gone"))
    assert lost.batch.uncounted == [first, second]


def test_a_posting_to_a_damaged_key_is_never_owed_again_and_takes_no_other_with_it() -> None:
    backfill = [BackfillEntry("a", 60, 1, 2), BackfillEntry("b", 60, 1, 3)]
    entry = [command for key in ("a", "b") for command in [("HINCRBY", key, 1, 1)] * 3]
    damaged = ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
    turn = Turn([], before=entry, backfill=backfill)
    turn.settle(damaged, damaged, 1, 3, 3, 1)
    assert (turn.batch.uncounted, turn.batch.rejected_backfill, turn.batch.backfilled) == ([], 2, 3)
