"""Pipelines and their replies, without a Redis."""

import pytest
from redis.exceptions import ResponseError

from gateway.contract import window
from gateway.errors import StoreUnavailable
from gateway.limiter.batch import Batch
from gateway.limiter.corrections import Corrections
from gateway.limiter.views import Views
from tests.unit.gateway.limiter.builders import (
    NOW,
    SENT,
    THIS,
    Turn,
    admitted,
    hash_reply,
    increments,
    one,
    time_reply,
)

BACK = {("k", THIS): 1}
"""One unit goes back."""


async def test_requests_of_one_client_in_one_turn_are_one_command() -> None:
    batch = Batch([one("a"), one("b"), one("a")], NOW, SENT, Views())
    assert increments(batch.commands) == [("HINCRBY", "a", THIS, 2), ("HINCRBY", "b", THIS, 1)]
    assert batch.commands[0] == batch.commands[-1] == ("TIME",)


async def test_every_batch_renews_its_keys_expiry() -> None:
    assert ("PEXPIRE", "k", window.key_lifetime_ms(60)) in Batch([one()], NOW, SENT, Views()).commands


async def test_a_refused_request_is_given_back() -> None:
    asks = [one(), one(), one()]
    turn = Turn(asks)
    turn.settle(3, hash_reply({THIS: 3}), 1)
    assert admitted(asks) == [True, True, False]
    assert turn.given_back() == BACK


async def test_a_batch_outside_its_stamps_tolerance_admits_nobody_and_asks_again() -> None:
    asks = [one()]
    turn = Turn(asks)
    again = turn.settle(1, hash_reply({THIS: 1}), 1, executed=NOW + window.stamp_tolerance(60) + 1)
    assert again == asks
    assert not asks[0].answer.done()
    assert turn.given_back() == BACK


async def test_a_reply_that_comes_too_late_admits_nobody_and_its_unit_stays_until_it_is_settled() -> None:
    late = one(asked=SENT)
    turn = Turn([late])
    assert turn.settle(1, hash_reply({THIS: 1}), 1, asked_since=SENT + 0.001) == []
    assert turn.given_back() == {}
    with pytest.raises(StoreUnavailable):
        late.answer.result()
    late.leave(passed_at=None)
    assert turn.given_back() == BACK


async def test_a_unit_goes_back_once_however_often_its_requester_leaves() -> None:
    late = one(asked=SENT)
    turn = Turn([late])
    turn.settle(1, hash_reply({THIS: 1}), 1, asked_since=SENT + 0.001)
    with pytest.raises(StoreUnavailable):
        late.answer.result()
    late.leave(passed_at=None)
    late.leave(passed_at=None)
    assert turn.given_back() == BACK


async def test_who_left_refused_gives_the_unit_back_and_who_left_admitted_keeps_it() -> None:
    gone, passed, waiting = one(), one(), one()
    turn = Turn([gone, passed, waiting])
    gone.leave(passed_at=None)
    passed.leave(passed_at=SENT)
    turn.settle(3, hash_reply({THIS: 3}), 1)
    assert turn.given_back() == BACK
    assert waiting.answer.result()[0].admitted
    assert waiting.answer.result()[0].remaining == 0


async def test_a_unit_that_was_let_through_without_the_answer_takes_a_place() -> None:
    passed, passed_too, waiting = one(), one(), one()
    turn = Turn([passed, passed_too, waiting])
    passed.leave(passed_at=SENT)
    passed_too.leave(passed_at=SENT)
    turn.settle(3, hash_reply({THIS: 3}), 1)
    assert admitted([waiting]) == [False]


async def test_a_store_that_refuses_to_count_is_an_outage_for_that_key_alone() -> None:
    full, fine = one("full"), one("fine")
    turn = Turn([full, fine])
    refusal = ResponseError("OOM command not allowed")
    turn.settle(refusal, [], refusal, 1, hash_reply({THIS: 1}), 1)
    with pytest.raises(StoreUnavailable, match="OOM"):
        full.answer.result()
    assert admitted([fine]) == [True]
    assert turn.given_back() == {}


async def test_a_window_that_cannot_be_read_admits_nobody() -> None:
    waiting = one()
    turn = Turn([waiting])
    assert turn.settle(1, ResponseError("WRONGTYPE"), 1) == [waiting]
    assert turn.given_back() == BACK


async def test_a_field_that_no_node_wrote_does_not_hide_the_others() -> None:
    waiting = one()
    Turn([waiting]).settle(1, [b"note", b"x", *hash_reply({THIS: 1, THIS - 1: 2})], 1)
    assert admitted([waiting]) == [False]


async def test_a_store_that_refuses_to_tell_the_time_is_an_outage() -> None:
    batch = Batch([one()], NOW, SENT, Views())
    with pytest.raises(StoreUnavailable, match="NOAUTH"):
        batch.executed([ResponseError("NOAUTH Authentication required"), 1, [], 1, time_reply(NOW)])


async def test_replies_are_told_from_those_of_the_corrections_before_them() -> None:
    waiting = one()
    turn = Turn([waiting], before=[("HINCRBY", "other", 1, -1), ("PEXPIRE", "other", 1)])
    turn.settle(99, 1, 1, hash_reply({THIS: 1}), 1)
    assert waiting.answer.result()[0].remaining == 1


async def test_dead_sub_intervals_are_deleted_with_the_next_pipeline() -> None:
    dead = window.oldest_kept(NOW, 60) - 1
    corrections = Corrections(lambda: None)
    Turn([one()], corrections=corrections).settle(1, hash_reply({THIS: 1, dead: 5}), 1)
    assert ("HDEL", "k", dead) in corrections.take_commands(NOW)
