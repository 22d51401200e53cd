"""One pipeline of decisions: what is asked of Redis, and what its replies mean for each request. No IO."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from redis.exceptions import ResponseError

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.contract.window import MICROSECONDS
from gateway.errors import StoreUnavailable
from gateway.limiter import decision
from gateway.limiter.corrections import Corrections
from gateway.limiter.decision import Standing
from gateway.limiter.wire import Command, Reply

_COMMANDS_PER_KEY = 3


@dataclass(slots=True, eq=False)
class Ask:
    """A request that waits for its decision. Its requester may leave before or after the answer comes.

    `give_back` takes the unit off again, where the answer has left it standing.
    """

    key: str
    limit: Limit
    deadline: float  # monotonic seconds; an answer that is read later admits nobody
    answer: asyncio.Future[Standing]
    keeps_unit: bool = False
    give_back: Callable[[], None] | None = None

    def leave(self, *, keeps_unit: bool) -> None:
        """Do without the answer. The unit stays counted where the request was let through all the same."""
        self.keeps_unit = keeps_unit
        self.answer.cancel()
        give_back, self.give_back = self.give_back, None
        if give_back is not None and not keeps_unit:
            give_back()


class Batch:
    """All decisions that waited in one turn of the event loop; those for one key are one HINCRBY."""

    def __init__(self, asks: Sequence[Ask], stamp: int, corrections: list[Command]) -> None:
        self.stamp = stamp
        self.sent = 0.0
        self.fields_ahead = 0
        self._groups: dict[str, list[Ask]] = {}
        for ask in asks:
            self._groups.setdefault(ask.key, []).append(ask)
        self._corrections = len(corrections)
        self.commands: list[Command] = [("TIME",), *corrections, *self._questions(), ("TIME",)]

    def _questions(self) -> Iterable[Command]:
        for key, asks in self._groups.items():
            period = asks[0].limit.period_seconds
            yield ("HINCRBY", key, window.sub_interval(self.stamp, period), len(asks))
            yield ("HGETALL", key)
            yield ("PEXPIRE", key, window.key_lifetime_ms(period))

    @property
    def asks(self) -> list[Ask]:
        """All that wait for this batch."""
        return [ask for asks in self._groups.values() for ask in asks]

    def executed(self, replies: Sequence[Reply]) -> tuple[int, int]:
        """When Redis worked on the batch: the microseconds of its first and its last command.

        Raises:
            StoreUnavailable: Redis refuses to say.
        """
        return _microseconds(replies[0]), _microseconds(replies[-1])

    def settle(
        self, replies: Sequence[Reply], executed: tuple[int, int], received: float, corrections: Corrections
    ) -> list[Ask]:
        """Answer those who wait, note what goes back, and return those who must ask once more.

        Args:
            replies: to all of `commands`.
            executed: when Redis worked on them, by its clock.
            received: monotonic seconds at which the replies are handled.
            corrections: those of the connection that the replies came by.
        """
        again: list[Ask] = []
        answers = replies[1 + self._corrections : -1]
        for position, asks in enumerate(self._groups.values()):
            after, fields, _ = answers[position * _COMMANDS_PER_KEY : (position + 1) * _COMMANDS_PER_KEY]
            if not isinstance(after, int):
                fail(asks, StoreUnavailable(f"Redis refuses to count: {after}"))
                continue
            period = asks[0].limit.period_seconds
            give_back = partial(
                corrections.give_back, asks[0].key, period, window.sub_interval(self.stamp, period)
            )
            _turn_away_late(asks, received, give_back)
            if isinstance(fields, list) and decision.timely(self.stamp, period, executed):
                counters = _counters(fields)
                expired, ahead = decision.stray(counters, self.stamp, period)
                corrections.delete(asks[0].key, period, expired)
                self.fields_ahead += len(ahead)
                back = self._answer(asks, after, counters, give_back)
            else:
                waiting = [ask for ask in asks if not ask.answer.done()]
                again += waiting
                back = len(waiting)
            give_back(back + sum(ask.answer.cancelled() and not ask.keeps_unit for ask in asks))
        return again

    def _answer(
        self, asks: list[Ask], after: int, fields: dict[int, int], give_back: Callable[[int], None]
    ) -> int:
        """Decide for one key; the number of refused units, which go back.

        Who left with a unit has been let through already, so those units stand in front of the others'.
        """
        waiting = [ask for ask in asks if not ask.answer.done()]
        units = len(asks) - sum(ask.keeps_unit for ask in asks)
        reading = decision.read(self.stamp, asks[0].limit.period_seconds, units, after, fields)
        standings = decision.decide(reading, [ask.limit for ask in waiting])
        for ask, standing in zip(waiting, standings, strict=True):
            ask.answer.set_result(standing)
            if standing.admitted:
                ask.give_back = partial(give_back, 1)
        return sum(not standing.admitted for standing in standings)


def fail(asks: Iterable[Ask], error: StoreUnavailable) -> None:
    """Tell all who still wait that there will be no answer. What was counted for them stays."""
    for ask in asks:
        if not ask.answer.done():
            ask.answer.set_exception(error)


def _turn_away_late(asks: Iterable[Ask], received: float, give_back: Callable[[int], None]) -> None:
    """After a stall the replies are handled before the timers of those who have waited too long for them."""
    for ask in asks:
        if received > ask.deadline and not ask.answer.done():
            ask.keeps_unit = True
            ask.give_back = partial(give_back, 1)
            ask.answer.set_exception(StoreUnavailable("the answer came too late"))


def _counters(reply: list[bytes]) -> dict[int, int]:
    """HGETALL's reply as sub-interval numbers and counts; what is not a number was not written by a node."""
    counters = {}
    for number, count in zip(reply[::2], reply[1::2], strict=True):
        try:
            counters[int(number)] = int(count)
        except ValueError:
            continue
    return counters


def _microseconds(reply: Reply) -> int:
    if isinstance(reply, list) and len(reply) == 2:
        return int(reply[0]) * MICROSECONDS + int(reply[1])
    kind = "refuses" if isinstance(reply, ResponseError) else "answers nonsense to"
    raise StoreUnavailable(f"Redis {kind} TIME: {reply}")
