"""How much of a window each pipeline reads, what it renews first, and what it deletes."""

import pytest

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.limiter.batch import Batch, PendingCheck, Refunds
from gateway.limiter.window_cache import READ_SECONDS, WindowCache
from tests.unit.gateway.limiter.builders import (
    NOW,
    SENT,
    THIS,
    Turn,
    hash_reply,
    known,
    one,
    statuses,
)
from tests.unit.gateway.limiter.pipelines import commands, commands_of


def test_a_client_that_was_read_just_now_is_read_in_part_and_anew_when_that_is_old() -> None:
    cache = WindowCache()
    Turn([one()], cache=cache).settle(1, hash_reply({THIS: 1}), 1)
    soon = commands_of(Batch([one()], NOW + 1000, SENT + 0.001, cache))
    later = commands_of(Batch([one()], NOW + 1000, SENT + READ_SECONDS, cache))
    assert ("HMGET", "k", THIS - 1, THIS + 1) in soon
    assert ("HGETALL", "k") in later


def test_a_key_of_which_nothing_is_known_is_renewed_before_it_is_counted_in() -> None:
    """It might be about to expire, between two commands of the pipeline, and what was counted with it."""
    cache = WindowCache()
    first = Turn([one()], cache=cache)
    assert [command[0] for command in commands_of(first.batch)[1:-1]] == [
        "PEXPIRE",
        "HINCRBY",
        "HGETALL",
        "PEXPIRE",
    ]
    first.settle(1, hash_reply({THIS: 1}), 1)
    again = Batch([one()], NOW, SENT, cache)
    assert [command[0] for command in commands_of(again)[1:-1]] == ["HINCRBY", "HMGET", "PEXPIRE"]


@pytest.mark.parametrize(("after_seconds", "renews_first"), [(1, False), (59, False), (60, True)])
def test_a_key_that_was_renewed_within_its_period_is_not_renewed_first(
    after_seconds: int, renews_first: bool
) -> None:
    """It lives for more than that: a pipeline for one key has eight commands with all that goes back."""
    cache, back = WindowCache(), Refunds(lambda: None)
    Turn([one()], cache=cache).settle(1, hash_reply({THIS: 1}), 1)
    stamp = NOW + after_seconds * window.MICROSECONDS
    for number in (THIS + after_seconds - 1, THIS + after_seconds):
        back.refund("k", 60, number, 1)
    back.delete("k", 60, [THIS - 70])
    before, _ = back.take(stamp, {"k"})
    sent = commands_of(Batch([one()], stamp, SENT + after_seconds, cache, before=before))
    assert len(sent) == (9 if renews_first else 8)
    assert (sent[4][0] == "PEXPIRE") == renews_first


@pytest.mark.parametrize("answers", [(1, [], 0), (1, hash_reply({THIS: 1}), 0), (1, [], 1)])
def test_a_unit_that_expired_with_its_key_admits_nobody(answers: tuple[object, ...]) -> None:
    """Between HINCRBY and HGETALL, before PEXPIRE, or before another node wrote the key anew."""
    waiting = one()
    assert Turn([waiting]).settle(*answers) == [waiting]


def test_a_reading_in_part_of_a_sub_interval_that_has_ended_meanwhile_decides_nothing() -> None:
    """A whole reading of the next came back first, so what this one lacks is not known any more."""
    cache = WindowCache()
    Turn([one()], cache=cache).settle(1, hash_reply({THIS: 1}), 1)
    waiting = one()
    behind = Turn([waiting], cache=cache, sent=SENT + 0.1)
    known(cache, "k", {}, at=NOW + 1_000_000, sent=SENT + 0.1)
    assert behind.settle(2, [None, None], 1) == [waiting]
    assert behind.refunded() == {("k", THIS): 1}


def read_on(
    cache: WindowCache, posted: int | None, *, steps: int = 1
) -> tuple[Turn, PendingCheck, list[PendingCheck]]:
    """A decision so many sub-intervals after a full window was read; what was asked, and must be again."""
    full = dict.fromkeys(range(THIS - window.SUB_INTERVALS, THIS + 1), 1)
    known(cache, "k", full)
    waiting = one(limit=Limit(100, 60))
    turn = Turn([waiting], cache=cache, stamp=NOW + steps * window.MICROSECONDS, sent=SENT + steps)
    reply = [*[b"1"] * (steps + 1), None, None if posted is None else b"%d" % posted]
    again = turn.settle(1, reply, 1, executed=NOW + steps * window.MICROSECONDS)
    return turn, waiting, again


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_window_that_is_known_is_read_on_from_where_it_was_open(steps: int) -> None:
    turn, waiting, again = read_on(WindowCache(), None, steps=steps)
    fields = [*range(THIS - 1, THIS + steps), THIS + steps + 1, window.BACKFILLED]
    assert ("HMGET", "k", *fields) in commands_of(turn.batch)
    assert again == []
    assert statuses(waiting)[0].remaining == 100 - (window.SUB_INTERVALS + 1) - 1


def test_a_window_into_which_something_was_posted_is_read_anew() -> None:
    """Into one that was closed, and had been read."""
    cache = WindowCache()
    turn, waiting, again = read_on(cache, 3)
    assert again == [waiting]
    assert turn.refunded() == {("k", THIS + 1): 1}
    anew = Batch(again, NOW + window.MICROSECONDS, SENT + 1, cache)
    assert ("HGETALL", "k") in commands_of(anew)


def test_what_is_not_counted_any_more_is_deleted_without_being_read() -> None:
    turn, _, _ = read_on(WindowCache(), None, steps=3)
    later = NOW + 3 * window.MICROSECONDS
    dead = range(THIS - window.SUB_INTERVALS, window.oldest_kept(later, 60))
    assert len(dead) > 0
    assert ("HDEL", "k", *dead) in commands(turn.corrections.take(later)[0])


def test_an_answer_that_a_later_one_has_overtaken_is_read_on_from_there() -> None:
    """Two batches under way were both made by what was known before them."""
    cache, later = WindowCache(), NOW + window.MICROSECONDS
    known(cache, "k", dict.fromkeys(range(THIS - window.SUB_INTERVALS, THIS + 1), 1))
    checks = [one(limit=Limit(100, 60)) for _ in range(2)]
    turns = [Turn([each], cache=cache, stamp=later, sent=SENT + 1) for each in checks]
    for number, turn in enumerate(turns, 1):
        assert turn.settle(number, [b"1", b"1", None, None], 1, executed=later) == []
    assert [statuses(each)[0].remaining for each in checks] == [38, 37]


def test_an_answer_from_before_the_sub_interval_that_is_known_by_now_decides_nothing() -> None:
    """Redis' time was corrected between both batches: the later one has the earlier stamp."""
    cache, checks = WindowCache(), [one(limit=Limit(100, 60)) for _ in range(2)]
    known(cache, "k", dict.fromkeys(range(THIS - window.SUB_INTERVALS, THIS + 1), 1))
    ahead, behind = (
        Turn([check], cache=cache, stamp=NOW + steps * window.MICROSECONDS, sent=SENT + 1)
        for check, steps in zip(checks, (2, 1), strict=True)
    )
    assert ahead.settle(1, [b"1", b"1", b"0", None, None], 1, executed=NOW + 2_000_000) == []
    assert behind.settle(1, [b"1", b"1", b"1", None], 1, executed=NOW + 1_000_000) == [checks[1]]
    assert behind.refunded() == {("k", THIS + 1): 1}
