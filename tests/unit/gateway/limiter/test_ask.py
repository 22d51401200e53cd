"""What becomes of a request's units when it does not wait for the answer, or has it."""

import asyncio

import pytest

from gateway.errors import StoreUnavailable
from gateway.limiter.ask import Ask, Books
from gateway.limiter.decision import Standing
from tests.unit.gateway.limiter.builders import SENT, one

GONE = StoreUnavailable("gone")


def counted() -> tuple[Ask, list[int]]:
    """An ask whose units Redis has counted, and how often they were given back."""
    times: list[int] = []
    asks = one()
    asks.books = Books.COUNTED
    asks.give_back = lambda: times.append(1)
    return asks, times


async def test_who_leaves_before_anything_was_sent_leaves_nothing() -> None:
    leaving = one()
    assert leaving.leave(passed_at=SENT) is False
    assert leaving.passed_at is None
    assert not leaving.waits


async def test_who_leaves_while_its_units_are_under_way_says_whether_it_passed() -> None:
    passed, refused = one(), one()
    passed.books = refused.books = Books.OPEN
    assert passed.leave(passed_at=SENT) is True
    assert refused.leave(passed_at=None) is True
    assert (passed.passed_at, refused.passed_at) == (SENT, None)


async def test_who_leaves_refused_gives_counted_units_back_once() -> None:
    leaving, times = counted()
    assert leaving.leave(passed_at=None) is False
    leaving.leave(passed_at=None)
    leaving.clear()
    assert len(times) == 1
    assert leaving.books is Books.CLEAR


async def test_who_leaves_admitted_keeps_counted_units() -> None:
    leaving, times = counted()
    assert leaving.leave(passed_at=SENT) is True
    assert times == []


async def test_an_answer_that_was_given_can_still_be_left_with_its_units() -> None:
    answered, times = counted()
    answered.answer.set_result((Standing(True, 1, 0.0),))
    answered.leave(passed_at=None)
    assert len(times) == 1
    assert answered.answer.result()[0].admitted


async def test_a_failure_is_told_to_who_waits_and_to_nobody_else() -> None:
    waiting, answered, left = one(), one(), one()
    answered.answer.set_result(())
    left.leave(passed_at=None)
    for each in (waiting, answered, left):
        each.fail(GONE)
    with pytest.raises(StoreUnavailable):
        waiting.answer.result()
    assert answered.answer.result() == ()
    with pytest.raises(asyncio.CancelledError):
        left.answer.result()
