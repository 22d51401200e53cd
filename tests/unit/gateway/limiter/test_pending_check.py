"""What becomes of a request's units when it does not wait for the answer, or has it."""

import asyncio
from typing import Any

from gateway.errors import StoreUnavailable
from gateway.limiter.batch import PendingCheck, Reservation, notify
from gateway.limiter.decision import WindowStatus
from tests.unit.gateway.limiter.builders import SENT, THIS, Turn, hash_reply, one

GONE = StoreUnavailable("gone")


def counted() -> tuple[PendingCheck, Turn]:
    """A check whose unit Redis has counted, and which is not answered; and the turn in which it did."""
    late = one(asked=SENT - 1)
    turn = Turn([late])
    turn.settle(1, hash_reply({THIS: 1}), 1)
    late.result = None
    return late, turn


def test_who_leaves_before_anything_was_sent_leaves_nothing() -> None:
    leaving = one()
    assert leaving.cancel(admitted_at=SENT) is False
    assert leaving.admitted_at is None
    assert not leaving.is_waiting


def test_who_leaves_while_its_units_are_under_way_says_whether_it_passed() -> None:
    passed, refused = one(), one()
    passed.reservation = refused.reservation = Reservation.IN_FLIGHT
    assert passed.cancel(admitted_at=SENT) is True
    assert refused.cancel(admitted_at=None) is True
    assert (passed.admitted_at, refused.admitted_at) == (SENT, None)


def test_who_leaves_refused_gives_counted_units_back_once() -> None:
    leaving, turn = counted()
    assert leaving.cancel(admitted_at=None) is False
    leaving.cancel(admitted_at=None)
    leaving.refund()
    assert turn.refunded() == {("k", THIS): 1}
    assert leaving.reservation is Reservation.NONE


def test_who_leaves_admitted_keeps_counted_units() -> None:
    leaving, turn = counted()
    assert leaving.cancel(admitted_at=SENT) is True
    assert turn.refunded() == {}


def test_an_answer_that_was_given_can_still_be_left_with_its_units() -> None:
    answered, turn = counted()
    answered.result = (WindowStatus(True, 1, 0.0),)
    answered.cancel()
    assert turn.refunded() == {("k", THIS): 1}


def test_what_was_let_through_without_the_answer_is_kept_when_its_requester_leaves() -> None:
    passed, turn = counted()
    passed.cancel(admitted_at=SENT)
    assert passed.cancel() is True
    assert turn.refunded() == {}


def test_a_failure_is_told_to_who_waits_and_to_nobody_else() -> None:
    waiting, answered, left = one(), one(), one()
    answered.result = ()
    left.cancel()
    for each in (waiting, answered, left):
        each.fail(GONE)
    assert [each.result for each in (waiting, answered, left)] == [GONE, (), None]


def test_who_has_an_answer_is_told_once_and_who_has_left_never() -> None:
    told: list[PendingCheck] = []
    answered, waiting, left = (PendingCheck((), SENT, told.append) for _ in range(3))
    answered.result = left.result = ()
    left.cancel()
    notify([answered, waiting, left])
    notify([answered, waiting, left])
    assert told == [answered]


def test_who_leaves_because_of_anothers_answer_is_not_told() -> None:
    told: list[PendingCheck] = []
    other = PendingCheck((), SENT, told.append, result=())

    def leave_it(_: PendingCheck) -> None:
        other.cancel()

    notify([PendingCheck((), SENT, leave_it, result=()), other])
    assert told == []


async def test_who_cannot_take_its_answer_costs_no_other_one_its_own() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    told: list[PendingCheck] = []
    other = PendingCheck((), SENT, told.append, result=())

    def fail(_: PendingCheck) -> None:
        raise ZeroDivisionError

    notify([PendingCheck((), SENT, fail, result=()), other])
    assert told == [other]
    assert isinstance(reported[0]["exception"], ZeroDivisionError)
