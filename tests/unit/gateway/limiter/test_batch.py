"""Pipelines and their replies, without a Redis."""

import asyncio

import pytest
from redis.exceptions import ResponseError

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.errors import StoreUnavailable
from gateway.limiter.batch import Ask, Batch
from gateway.limiter.corrections import Corrections

NOW = 1_800_000_000_000_000
THIS = window.sub_interval(NOW, 60)
TWO = Limit(2, 60)
DEADLINE = 10.0


def ask(key: str = "k", limit: Limit = TWO) -> Ask:
    return Ask(key, limit, DEADLINE, asyncio.get_running_loop().create_future())


def time_reply(at: int) -> list[bytes]:
    return [b"%d" % (at // 1_000_000), b"%d" % (at % 1_000_000)]


def hash_reply(fields: dict[int, int]) -> list[bytes]:
    return [b"%d" % number for pair in fields.items() for number in pair]


def settle(
    batch: Batch,
    *answers: object,
    executed: int = NOW,
    received: float = 1.0,
    corrections: Corrections | None = None,
) -> tuple[list[Ask], list[tuple[str | int, ...]]]:
    """The asks that go around again, and the corrections that are due."""
    if corrections is None:
        corrections = Corrections(lambda: None)
    replies = [time_reply(executed), *answers, time_reply(executed)]
    again = batch.settle(replies, batch.executed(replies), received, corrections)
    return again, corrections.take_commands(NOW)


async def test_requests_of_one_client_in_one_turn_are_one_command() -> None:
    batch = Batch([ask("a"), ask("b"), ask("a")], NOW, [])
    increments = [command for command in batch.commands if command[0] == "HINCRBY"]
    assert increments == [("HINCRBY", "a", THIS, 2), ("HINCRBY", "b", THIS, 1)]
    assert batch.commands[0] == batch.commands[-1] == ("TIME",)


async def test_every_batch_renews_its_keys_expiry() -> None:
    assert ("PEXPIRE", "k", window.key_lifetime_ms(60)) in Batch([ask()], NOW, []).commands


async def test_a_refused_request_is_given_back() -> None:
    asks = [ask(), ask(), ask()]
    _, corrections = settle(Batch(asks, NOW, []), 3, hash_reply({THIS: 3}), 1)
    assert [a.answer.result().admitted for a in asks] == [True, True, False]
    assert ("HINCRBY", "k", THIS, -1) in corrections


async def test_a_batch_outside_its_stamps_tolerance_admits_nobody_and_asks_again() -> None:
    asks = [ask()]
    batch = Batch(asks, NOW, [])
    late = NOW + window.stamp_tolerance(60) + 1
    again, corrections = settle(batch, 1, hash_reply({THIS: 1}), 1, executed=late)
    assert again == asks
    assert not asks[0].answer.done()
    assert ("HINCRBY", "k", THIS, -1) in corrections


async def test_a_reply_after_the_deadline_admits_nobody_and_its_unit_stays_until_it_is_settled() -> None:
    late = ask()
    corrections = Corrections(lambda: None)
    again, due = settle(
        Batch([late], NOW, []),
        1,
        hash_reply({THIS: 1}),
        1,
        received=DEADLINE + 0.001,
        corrections=corrections,
    )
    assert (again, due) == ([], [])
    with pytest.raises(StoreUnavailable):
        late.answer.result()
    late.leave(keeps_unit=False)
    assert ("HINCRBY", "k", THIS, -1) in corrections.take_commands(NOW)


async def test_a_unit_goes_back_once_however_often_its_requester_leaves() -> None:
    late = ask()
    corrections = Corrections(lambda: None)
    settle(
        Batch([late], NOW, []),
        1,
        hash_reply({THIS: 1}),
        1,
        received=DEADLINE + 0.001,
        corrections=corrections,
    )
    with pytest.raises(StoreUnavailable):
        late.answer.result()
    late.leave(keeps_unit=False)
    late.leave(keeps_unit=False)
    assert ("HINCRBY", "k", THIS, -1) in corrections.take_commands(NOW)


async def test_who_left_refused_gives_the_unit_back_and_who_left_admitted_keeps_it() -> None:
    gone, passed, waiting = ask(), ask(), ask()
    batch = Batch([gone, passed, waiting], NOW, [])
    gone.leave(keeps_unit=False)
    passed.leave(keeps_unit=True)
    _, corrections = settle(batch, 3, hash_reply({THIS: 3}), 1)
    assert ("HINCRBY", "k", THIS, -1) in corrections
    assert waiting.answer.result().admitted
    assert waiting.answer.result().remaining == 0


async def test_a_unit_that_was_let_through_without_the_answer_takes_a_place() -> None:
    passed, passed_too, waiting = ask(), ask(), ask()
    batch = Batch([passed, passed_too, waiting], NOW, [])
    passed.leave(keeps_unit=True)
    passed_too.leave(keeps_unit=True)
    settle(batch, 3, hash_reply({THIS: 3}), 1)
    assert not waiting.answer.result().admitted


async def test_a_store_that_refuses_to_count_is_an_outage_for_that_key_alone() -> None:
    full, fine = ask("full"), ask("fine")
    batch = Batch([full, fine], NOW, [])
    refusal = ResponseError("OOM command not allowed")
    _, corrections = settle(batch, refusal, [], refusal, 1, hash_reply({THIS: 1}), 1)
    with pytest.raises(StoreUnavailable, match="OOM"):
        full.answer.result()
    assert fine.answer.result().admitted
    assert not any(command[1] == "full" for command in corrections)


async def test_a_window_that_cannot_be_read_admits_nobody() -> None:
    waiting = ask()
    again, corrections = settle(Batch([waiting], NOW, []), 1, ResponseError("WRONGTYPE"), 1)
    assert again == [waiting]
    assert ("HINCRBY", "k", THIS, -1) in corrections


async def test_a_field_that_no_node_wrote_does_not_hide_the_others() -> None:
    waiting = ask()
    settle(Batch([waiting], NOW, []), 1, [b"note", b"x", *hash_reply({THIS: 1, THIS - 1: 2})], 1)
    assert not waiting.answer.result().admitted


async def test_a_store_that_refuses_to_tell_the_time_is_an_outage() -> None:
    batch = Batch([ask()], NOW, [])
    with pytest.raises(StoreUnavailable, match="NOAUTH"):
        batch.executed([ResponseError("NOAUTH Authentication required"), 1, [], 1, time_reply(NOW)])


async def test_replies_are_told_from_those_of_the_corrections_before_them() -> None:
    waiting = ask()
    batch = Batch([waiting], NOW, [("HINCRBY", "other", 1, -1), ("PEXPIRE", "other", 1)])
    settle(batch, 99, 1, 1, hash_reply({THIS: 1}), 1)
    assert waiting.answer.result().remaining == 1


async def test_dead_sub_intervals_are_deleted_with_the_next_pipeline() -> None:
    dead = window.oldest_kept(NOW, 60) - 1
    _, corrections = settle(Batch([ask()], NOW, []), 1, hash_reply({THIS: 1, dead: 5}), 1)
    assert ("HDEL", "k", dead) in corrections
