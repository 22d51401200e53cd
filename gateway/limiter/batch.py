"""All decisions that wait in one turn of the event loop, as one pipeline and its replies."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from redis.exceptions import ResponseError

from gateway.contract import window
from gateway.contract.window import MICROSECONDS
from gateway.errors import StoreUnavailable
from gateway.limiter import decision
from gateway.limiter.ask import Ask, Books
from gateway.limiter.charge import Charge
from gateway.limiter.corrections import Corrections
from gateway.limiter.ledger import Posting
from gateway.limiter.refusals import is_of_one_key
from gateway.limiter.view import View
from gateway.limiter.views import Views
from gateway.limiter.wire import Command, Reply

_MOST = 2**40


class _Window:
    """The part of a batch that falls on one key: one HINCRBY for all of it."""

    __slots__ = ("counted", "is_kept", "key", "number", "period", "ready", "units", "view")

    def __init__(self, charge: Charge, stamp: int, now: float, view: View | None) -> None:
        self.key = charge.key
        self.period = charge.limit.period_seconds
        self.number = window.sub_interval(stamp, self.period)
        self.units = 0
        self.view = view if view is not None and view.is_fresh(stamp, now) else None
        self.is_kept = view is not None and view.is_kept(now)
        self.counted = False
        self.ready = False


class Batch:
    """Asks and corrections, sent together at one stamp.

    `before` goes in front of the questions, first the commands of `postings`. `lacking` are units that were
    let through, and that Redis did not count or perhaps did not. `judgement` looks whether it is late, and
    ends with it.
    """

    def __init__(
        self,
        asks: Sequence[Ask],
        stamp: int,
        now: float,
        views: Views,
        *,
        before: Sequence[Command] = (),
        postings: Sequence[Posting] = (),
    ) -> None:
        self.asks = asks
        self.stamp = stamp
        self.sent = now
        self.postings = postings
        self.lacking: list[Posting] = []
        self.judgement: asyncio.Handle | None = None
        self.posted = 0
        self.refused_postings = 0
        self.fields_ahead = 0
        self.refusal: ResponseError | None = None
        self._before = len(before)
        self._windows: dict[str, _Window] = {}
        for ask in asks:
            ask.books = Books.OPEN
            for charge in ask.charges:
                of = self._windows.get(charge.key)
                if of is None:
                    of = _Window(charge, stamp, now, views.get(charge.key))
                    self._windows[charge.key] = of
                of.units += charge.cost
        self.commands: list[Command] = [("TIME",), *before, *self._questions(), ("TIME",)]

    def _questions(self) -> Iterable[Command]:
        for of in self._windows.values():
            renew: Command = ("PEXPIRE", of.key, window.key_lifetime_ms(of.period))
            if not of.is_kept:
                # An old key might expire between two commands, and what was counted with it.
                yield renew
            yield ("HINCRBY", of.key, of.number, of.units)
            if of.view is None:
                yield ("HGETALL", of.key)
            else:
                yield ("HMGET", of.key, of.number - 1, of.number + 1)
            yield renew

    @property
    def units(self) -> int:
        """What it asks for, in all windows."""
        return sum(of.units for of in self._windows.values())

    @property
    def keys(self) -> Iterable[str]:
        """The windows that it has told of, once it is settled."""
        return (of.key for of in self._windows.values() if of.ready)

    def executed(self, replies: Sequence[Reply]) -> tuple[int, int]:
        """When Redis worked on the batch: the microseconds of its first and its last command.

        Raises:
            StoreUnavailable: Redis refuses to say.
        """
        return _microseconds(replies[0]), _microseconds(replies[-1])

    def settle(
        self,
        replies: Sequence[Reply],
        executed: tuple[int, int],
        asked_since: float,
        views: Views,
        corrections: Corrections,
    ) -> list[Ask]:
        """Decide for those who wait, note what goes back, and return those who must ask once more.

        Nobody is told yet.

        Args:
            replies: to all of `commands`.
            executed: when Redis worked on them, by its clock.
            asked_since: monotonic seconds; who has waited since before that is not admitted any more.
            views: what the node knows of its clients' windows; it is brought up to date.
            corrections: those of the connection that the replies came by.
        """
        self._end_judgement()
        answers = iter(replies[1 + self._before : -1])
        for of in self._windows.values():
            if not of.is_kept:
                next(answers)
            after, fields, is_there = next(answers), next(answers), next(answers)
            if isinstance(after, int):
                of.counted = True
                timely = is_there == 1 and decision.timely(self.stamp, of.period, executed)
                of.ready = timely and self._read(of, after, fields, views, corrections)
            elif isinstance(after, ResponseError):
                self.refusal = after
        self._settle_postings(replies[1::2])
        waiting = []
        for ask in self.asks:
            ask.books = Books.COUNTED
            ask.give_back = partial(_give_back, ask.charges, self._windows, corrections)
            if ask.asked < asked_since:
                ask.fail(StoreUnavailable("the answer came too late"))
            if ask.waits:
                waiting.append(ask)
            else:
                self._settle_without(ask)
        return [ask for ask in waiting if not self._resolve(ask, corrections)]

    def _end_judgement(self) -> None:
        if self.judgement is not None:
            self.judgement.cancel()

    def _settle_postings(self, replies: Sequence[Reply]) -> None:
        for posting, reply in zip(self.postings, replies, strict=False):
            if not isinstance(reply, ResponseError):
                self.posted += posting.units
                continue
            self.refusal = reply
            if is_of_one_key(str(reply)):
                self.refused_postings += posting.units
            else:
                self.lacking.append(posting)

    def _read(self, of: _Window, after: int, fields: Reply, views: Views, corrections: Corrections) -> bool:
        """Let the view have what stands before this batch; False where Redis did not tell."""
        own = _bounded(after - of.units)
        if not isinstance(fields, list):
            return False
        if of.view is not None:
            if of.view.number != of.number or len(fields) != 2:
                return False
            of.view.read_open(_count(fields[0]), own, _count(fields[1]))
            return True
        counters = _counters(fields)
        if of.number not in counters:
            return False
        expired, ahead = decision.stray(counters, self.stamp, of.period)
        corrections.delete(of.key, of.period, expired)
        self.fields_ahead += len(ahead)
        counters[of.number] = own
        of.view = views.read(of.key, of.period, counters, self.stamp, self.sent)
        return True

    def _settle_without(self, ask: Ask) -> None:
        """Its requester has left, or will; if it let the request pass, the units are in front of others."""
        windows = [self._windows[charge.key] for charge in ask.charges]
        if (ask.left and ask.passed_at is None) or not all(of.ready for of in windows):
            ask.clear()
            if ask.passed_at is not None:
                # What stands in a sub-interval far from its time is posted again, to where it belongs.
                self.lacking += [Posting.of(charge, ask.passed_at) for charge in ask.charges]
            return
        for charge, of in zip(ask.charges, windows, strict=True):
            if of.view is not None:
                of.view.add(charge.cost)

    def _resolve(self, ask: Ask, corrections: Corrections) -> bool:
        """Decide about one request, in its turn; False where it must ask once more."""
        windows = [self._windows[charge.key] for charge in ask.charges]
        if not all(of.counted for of in windows):
            ask.clear()
            ask.fail(StoreUnavailable(f"Redis refuses to count: {self.refusal}"))
            return True
        views = [of.view for of in windows if of.ready and of.view is not None]
        if len(views) < len(windows):
            ask.clear()
            return False
        standings = decision.decide(ask.charges, views, self.stamp)
        passes = decision.admits(ask.charges, standings)
        taken: list[Charge] = []
        refused: list[Charge] = []
        for charge, view, standing in zip(ask.charges, views, standings, strict=True):
            (taken if passes and standing.admitted else refused).append(charge)
            if not standing.admitted and not charge.shadow:
                view.deny(charge.limit.quota, charge.cost, self.stamp, standing.wait_seconds, self.sent)
        _give_back(refused, self._windows, corrections)
        ask.give_back = partial(_give_back, taken, self._windows, corrections)
        ask.answer = standings
        return True

    def lose(self, reason: StoreUnavailable) -> None:
        """The replies will never come: what was sent was counted, or it was not."""
        self._end_judgement()
        self.lacking += self.postings
        for ask in self.asks:
            ask.books = Books.CLEAR
            ask.fail(reason)
            if ask.passed_at is not None:
                self.lacking += [Posting.of(charge, ask.passed_at) for charge in ask.charges]


def _give_back(charges: Iterable[Charge], windows: Mapping[str, _Window], corrections: Corrections) -> None:
    """Not a method, so that an ask that keeps it does not keep the batch, which keeps the ask."""
    for charge in charges:
        of = windows[charge.key]
        if of.counted:
            corrections.give_back(of.key, of.period, of.number, charge.cost)


def _counters(reply: list[bytes]) -> dict[int, int]:
    """HGETALL's reply as sub-interval numbers and counts; what is not a number was not written by a node."""
    counters = {}
    for number, count in zip(reply[::2], reply[1::2], strict=False):
        with suppress(ValueError, TypeError):
            counters[int(number)] = _bounded(int(count))
    return counters


def _count(reply: bytes | None) -> int:
    with suppress(ValueError, TypeError):
        return _bounded(int(reply or 0))
    return 0


def _bounded(count: int) -> int:
    """What is more than any quota is damage, and need only refuse."""
    return min(count, _MOST)


def _microseconds(reply: Reply) -> int:
    if isinstance(reply, list) and len(reply) == 2:
        with suppress(ValueError, TypeError):
            return int(reply[0]) * MICROSECONDS + int(reply[1])
    kind = "refuses" if isinstance(reply, ResponseError) else "answers nonsense to"
    raise StoreUnavailable(f"Redis {kind} TIME: {reply}")
