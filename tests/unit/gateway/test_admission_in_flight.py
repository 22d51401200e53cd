"""How many requests of a client may be in flight, and that each gives its place back."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import StoreUnavailable
from gateway.limiter.decision import WindowStatus
from gateway.policy.concurrency import Concurrency
from tests.unit.gateway.desk import TABLE, admission, request

CROWDED = replace(TABLE, default_concurrency=2)


async def test_no_more_of_a_client_are_in_flight_than_may_be_and_others_do_not_matter() -> None:
    made, limiter = admission(CROWDED)
    first, second = [await made.decide(*request()) for _ in range(2)]

    third = await made.decide(*request())

    assert (first.admitted, second.admitted, third.admitted) == (True, True, False)
    assert third.statuses is None
    assert len(limiter.asked) == 2
    assert (await made.decide(*request("any-key"))).admitted

    made.close(third)
    fourth = await made.decide(*request())
    assert not fourth.admitted

    made.close(fourth)
    made.close(first)
    assert (await made.decide(*request())).admitted


async def test_a_place_is_given_back_when_the_limiter_fails_or_is_cancelled() -> None:
    made, limiter = admission(CROWDED)
    errors: list[Any] = [StoreUnavailable("away"), asyncio.CancelledError(), RuntimeError("a fault of ours")]
    for limiter.error in errors:
        with pytest.raises(type(limiter.error)):
            await made.decide(*request())
    assert len(made.in_flight) == 0


async def test_a_client_that_leaves_while_it_is_decided_about_gives_its_place_back() -> None:
    made, limiter = admission(CROWDED)
    limiter.answers = False
    task = asyncio.create_task(made.decide(*request()))
    await asyncio.sleep(0)
    assert len(made.in_flight) == 1
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert len(made.in_flight) == 0


TURNS = pytest.mark.parametrize("turns", [1, 2], ids=["before the decision is told", "behind it"])


@TURNS
async def test_a_client_that_leaves_as_nobody_decides_about_it_gives_its_place_back_once(turns: int) -> None:
    made, limiter = admission(CROWDED)
    assert (await made.decide(*request())).admitted  # and is in flight all the while
    limiter.decides = False
    task = asyncio.create_task(made.decide(*request()))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert len(made.in_flight) == 1


async def test_who_is_refused_from_memory_is_in_flight_too_and_told_so() -> None:
    made, limiter = admission(CROWDED)
    limiter.remembered = (WindowStatus(False, 0, 1.0),)
    decision = await made.decide(*request())

    assert (decision.admitted, decision.statuses) == (False, limiter.remembered)
    assert decision.concurrency == Concurrency(2, 1, shadow=False)
    assert (limiter.asked, len(made.in_flight)) == ([], 1)
    made.close(decision)
    assert len(made.in_flight) == 0


async def test_too_many_in_flight_in_shadow_are_let_through_and_told() -> None:
    made, limiter = admission(replace(CROWDED, shadow=True))
    decisions = [await made.decide(*request()) for _ in range(3)]

    assert [decision.admitted for decision in decisions] == [True] * 3
    assert [decision.in_shadow for decision in decisions] == [False, False, True]
    assert len(limiter.asked) == 3
    for decision in decisions:
        made.close(decision)
    assert len(made.in_flight) == 0
