"""Asks, and replies as Redis gives them, at one moment."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.errors import StoreUnavailable
from gateway.limiter.batch import Batch, PendingCheck, Refunds, SentRefund
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.fallback import BackfillEntry
from gateway.limiter.frame import Command, SubIntervalFrame, pack
from gateway.limiter.window_cache import CachedWindow, HashParser, WindowCache
from tests.unit.gateway.limiter.pipelines import commands, commands_of

NOW = 1_800_000_000_000_000
THIS = window.sub_interval(NOW, 60)
SENT = 100.0
"""Monotonic seconds at which batches are sent; the stamp that belongs to it is `NOW`."""

ONE = Limit(1, 60)
TWO = Limit(2, 60)
TEN = Limit(10, 60)


def check(*hits: Hit, asked: float = SENT) -> PendingCheck:
    """A request that waits, since `asked`."""
    return PendingCheck(hits, asked, lambda _: None)


def one(key: str = "k", limit: Limit = TWO, cost: int = 1, *, asked: float = SENT) -> PendingCheck:
    """A request with one window."""
    return check(Hit(key, limit, cost), asked=asked)


def statuses(answered: PendingCheck) -> tuple[WindowStatus, ...]:
    """What it was answered.

    Raises:
        StoreUnavailable: that is its answer.
    """
    assert answered.result is not None
    if isinstance(answered.result, StoreUnavailable):
        raise answered.result
    return answered.result


def time_reply(at: int) -> list[bytes]:
    """That of TIME at a microsecond."""
    return [b"%d" % (at // 1_000_000), b"%d" % (at % 1_000_000)]


def hash_reply(fields: Mapping[int, int]) -> list[bytes]:
    """That of HGETALL."""
    return [b"%d" % number for pair in fields.items() for number in pair]


def read(cached: CachedWindow, fields: Mapping[int, int], at: int = NOW, sent: float = SENT) -> None:
    """Let a cached window have a whole hash."""
    frame = SubIntervalFrame(at, cached.period_seconds)
    snapshot = HashParser().parse(hash_reply(fields), frame)
    cached.load(snapshot, frame, max(0, fields.get(frame.number, 0)), sent)


def reads_open(cached: CachedWindow, number: int, now: float) -> bool:
    """Whether for a decision in this sub-interval only the open ones are read."""
    return cached.steps(number, now) == -1


def known(
    cache: WindowCache,
    key: str,
    fields: Mapping[int, int],
    *,
    at: int = NOW,
    sent: float = SENT,
    period: int = 60,
) -> None:
    """Let the cache have the whole hash of a window."""
    frame = SubIntervalFrame(at, period)
    snapshot = HashParser().parse(hash_reply(fields), frame)
    cache.load(key, frame, snapshot, max(0, fields.get(frame.number, 0)), sent)


class Turn:
    """One batch, what the node knew before it, and what goes back after it."""

    def __init__(
        self,
        checks: Sequence[PendingCheck],
        *,
        stamp: int = NOW,
        sent: float = SENT,
        cache: WindowCache | None = None,
        before: Sequence[Command] = (),  # in plain words
        backfill: Sequence[BackfillEntry] = (),
        corrections: Refunds | None = None,
        refunds: Sequence[SentRefund] = (),
    ) -> None:
        self.cache = WindowCache() if cache is None else cache
        self.corrections = Refunds(lambda: None) if corrections is None else corrections
        packed = list(map(pack, before))
        self.batch = Batch(checks, stamp, sent, self.cache, before=packed, backfill=backfill, refunds=refunds)
        self._before = len(before)

    def settle(
        self, *answers: object, executed: int = NOW, enqueued_since: float = 0.0
    ) -> list[PendingCheck]:
        """Let these be the replies between both to TIME; the checks that go around again.

        Those to the PEXPIRE in front of a window that is read in whole are put in: no key was there.
        """
        given, between = iter(answers), commands_of(self.batch)[1:-1]
        renews_first = [
            place >= self._before and (command[0], following[0]) == ("PEXPIRE", "HINCRBY")
            for place, (command, following) in enumerate(pairwise([*between, ("TIME",)]))
        ]
        middle = [0 if first else next(given) for first in renews_first]
        replies = [time_reply(executed), *middle, time_reply(executed)]
        return self.batch.settle(
            replies, self.batch.executed(replies), enqueued_since, self.cache, self.corrections
        )

    def refunded(self) -> dict[tuple[str, int], int]:
        """The units by key and sub-interval that are due to go back; it counts as sent."""
        back = increments(commands(self.corrections.take(NOW)[0]))
        return {(str(key), int(number)): -int(units) for _, key, number, units in back}


def increments(commands: Sequence[Command]) -> list[Command]:
    """The HINCRBYs among them."""
    return [command for command in commands if command[0] == "HINCRBY"]


def admitted(checks: Sequence[PendingCheck]) -> list[bool]:
    """Which of them the window of their only hit admitted."""
    return [statuses(each)[0].admitted for each in checks]
