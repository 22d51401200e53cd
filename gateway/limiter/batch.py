"""All checks of one turn of the event loop as one pipeline: its queries, replies, decisions and refunds."""

import asyncio
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from redis.exceptions import ResponseError

from gateway.contract import window
from gateway.contract.window import MICROSECONDS
from gateway.errors import StoreUnavailable
from gateway.limiter import decision
from gateway.limiter.connection import Reply, is_key_error, not_counted
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.fallback import COMMANDS_PER_ENTRY, BackfillEntry
from gateway.limiter.frame import TIME, Command, SubIntervalFrame, bulk_string, pack
from gateway.limiter.window_cache import MAX_COUNT, CachedWindow, HashParser, WindowCache

CheckResult = tuple[WindowStatus, ...] | StoreUnavailable
"""One status for each hit, or why there is none."""


class Reservation(Enum):
    """Whether Redis has counted the units of a check."""

    NONE = "not counted, or refunded"
    IN_FLIGHT = "sent"
    HELD = "counted; can be refunded"


@dataclass(slots=True, eq=False, init=False)  # one per request: see CONTRIBUTING, "What is compiled"
class PendingCheck:
    """A request that waits for Redis to decide.

    `on_result` is called with it when it has a `result`: once, by `notify`, and not after `cancel`.
    """

    hits: Sequence[Hit]
    enqueued_at: float  # monotonic seconds
    on_result: Callable[["PendingCheck"], None] | None
    result: CheckResult | None
    reservation: Reservation
    refundable: Sequence[tuple["WindowQuery", int]]
    """Units that `refund` refunds, and the query that counted them."""
    cancelled: bool
    admitted_at: float | None
    """When the request was admitted without the result, while its units were in flight."""

    def __init__(
        self,
        hits: Sequence[Hit],
        enqueued_at: float,
        on_result: Callable[["PendingCheck"], None] | None,
        result: CheckResult | None = None,
    ) -> None:
        self.hits = hits
        self.enqueued_at = enqueued_at
        self.on_result = on_result
        self.result = result
        self.reservation = Reservation.NONE
        self.refundable = ()
        self.cancelled = False
        self.admitted_at = None

    @property
    def is_waiting(self) -> bool:
        """Whether a result is wanted and missing."""
        return self.result is None and not self.cancelled

    def cancel(self, *, admitted_at: float | None = None) -> bool:
        """Stop waiting, or give up what the result admitted; idempotent.

        `admitted_at` is when the request was admitted without the result, if it was. Returns whether Redis
        has counted its units, or may count them.
        """
        if not self.cancelled:
            self.cancelled = True
            self.on_result = None
            if self.reservation is Reservation.IN_FLIGHT:
                self.admitted_at = admitted_at
            elif self.reservation is Reservation.HELD and admitted_at is None:
                self.refund()
        return self.reservation is not Reservation.NONE

    def refund(self) -> None:
        """Refund its units if they are counted; idempotent."""
        refundable, self.refundable = self.refundable, ()
        self.reservation = Reservation.NONE
        for query, units in refundable:
            query.refund(units)

    def fail(self, reason: StoreUnavailable) -> None:
        """End a check that is waiting without a decision."""
        if self.is_waiting:
            self.result = reason


def notify(checks: Iterable[PendingCheck]) -> None:
    """Call `on_result` of those with a result. A callback that raises does not affect the others."""
    for check in checks:
        if check.result is not None and check.on_result is not None:
            on_result, check.on_result = check.on_result, None
            try:
                on_result(check)
            except Exception as error:  # noqa: BLE001 - passed on to asyncio's exception handler
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a decision could not be taken", "exception": error}
                )


class SentRefund(NamedTuple):
    """Units taken off a sub-interval by the command at index `place` of the refunds of a pipeline."""

    place: int
    key: str
    period_seconds: int
    number: int
    units: int


@dataclass(slots=True)
class _PendingRefund:
    period_seconds: int
    units: dict[int, int] = field(default_factory=dict)
    added: dict[int, int] = field(default_factory=dict)
    expired: set[int] = field(default_factory=set)


class Refunds:
    """Corrections to counts in Redis, by key, until the next pipeline: refunds, repairs, deletions.

    They belong to one connection and are dropped with it, since another server may not have the counts.

    The same server may have lost the counts that a refund is for (FLUSHALL, an eviction). Then the refund
    leaves the count below zero, which its reply shows, and the node adds the units again.
    """

    def __init__(self, on_first: Callable[[], None]) -> None:
        """`on_first` is called when there is something to send after there was nothing."""
        self._on_first = on_first
        self._by_key: dict[str, _PendingRefund] = {}
        self.has_additions = False
        """Whether there are units to add, which other requests wait for."""

    def __bool__(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._by_key)

    def refund(self, key: str, period_seconds: int, number: int, units: int) -> None:
        """Take `units` off a sub-interval."""
        if units:
            counts = self._of(key, period_seconds).units
            counts[number] = counts.get(number, 0) + units

    def add(self, key: str, period_seconds: int, number: int, units: int) -> None:
        """Add `units` to a sub-interval whose count is below zero."""
        counts = self._of(key, period_seconds).added
        counts[number] = counts.get(number, 0) + units
        self.has_additions = True

    def delete(self, key: str, period_seconds: int, numbers: Iterable[int]) -> None:
        """Delete the fields of sub-intervals."""
        if numbers := set(numbers):
            self._of(key, period_seconds).expired |= numbers

    def _of(self, key: str, period_seconds: int) -> _PendingRefund:
        if not self._by_key:
            self._on_first()
        return self._by_key.setdefault(key, _PendingRefund(period_seconds))

    def take(self, stamp: int, renewed: Container[str] = ()) -> tuple[list[bytes], list[SentRefund]]:
        """All as commands of a pipeline that renews the expiry of the keys `renewed`; which are refunds.

        Units near the tail stay: they leave the window anyway, and a late refund would make the count of a
        deleted field negative.
        """
        commands: list[Command] = []
        refunds: list[SentRefund] = []
        for key, pending in self._by_key.items():
            commands += [("HINCRBY", key, number, units) for number, units in pending.added.items()]
            tail = window.oldest_counted(stamp, pending.period_seconds) + 1
            back = [(number, units) for number, units in pending.units.items() if number > tail]
            for number, units in back:
                refunds.append(SentRefund(len(commands), key, pending.period_seconds, number, units))
                commands.append(("HINCRBY", key, number, -units))
            if pending.expired:
                commands.append(("HDEL", key, *sorted(pending.expired)))
            if (back or pending.added) and key not in renewed:
                commands.append(("PEXPIRE", key, window.key_lifetime_ms(pending.period_seconds)))
        self._by_key.clear()
        self.has_additions = False
        return list(map(pack, commands)), refunds


class WindowQuery:
    """What a batch counts and reads in one window: one HINCRBY for all of its checks.

    `counted` is whether Redis counted the units; decisions use `cached` once that is `ready`.

    A window with a count below zero decides nothing, since it is unknown what was counted. `deficits` are
    these sub-intervals, each with its distance from zero before this batch.
    """

    __slots__ = (
        "_refunds",
        "_renews_first",
        "_steps",
        "cached",
        "counted",
        "deficits",
        "error_reply",
        "frame",
        "future_fields",
        "key",
        "ready",
        "replies",
        "units",
    )

    def __init__(self, key: str, frame: SubIntervalFrame, cached: CachedWindow | None, now: float) -> None:
        """`cached` is what is known of the window at monotonic `now`, when the query is sent."""
        self.key = key
        self.frame = frame
        self.cached = cached
        self.units = 0
        self._steps = None if cached is None else cached.steps(frame.number, now)
        self._renews_first = cached is None or not cached.is_kept(now)
        self.replies = 4 if self._renews_first else 3
        self.counted = self.ready = False
        self.error_reply: ResponseError | None = None
        self.future_fields = 0
        self.deficits: tuple[tuple[int, int], ...] = ()
        self._refunds: Refunds | None = None

    def commands(self, units: bytes) -> bytes:
        """The commands, given its units as a bulk string."""
        key = bulk_string(self.key) if self.cached is None else self.cached.key
        if self._renews_first:
            # An old key could expire between two commands, with the units that were just counted.
            return self.frame.renew_and_read_all % (key, key, units, key, key)
        if self._steps is None:
            return self.frame.read_all % (key, units, key, key)
        if self._steps < 0:
            return self.frame.read_open % (key, units, key, key)
        return self.frame.read_since(self._steps) % (key, units, key, key)

    def apply_replies(
        self,
        replies: Sequence[Reply],
        place: int,
        error: int,
        sent: float,
        cache: WindowCache,
        refunds: Refunds,
    ) -> None:
        """Apply its replies, from `place` on, to a batch executed `error` microseconds from its stamp."""
        place += self._renews_first
        after = replies[place]
        if isinstance(after, int):
            self.counted = True
            self._refunds = refunds
            if after < self.units:
                self.deficits = ((self.frame.number, self.units - after),)
            elif replies[place + 2] == 1 and error <= self.frame.tolerance:
                self.ready = self._read(after, replies[place + 1], sent, cache, refunds)
        elif isinstance(after, ResponseError):
            self.error_reply = after

    def _read(self, after: int, fields: Reply, sent: float, cache: WindowCache, refunds: Refunds) -> bool:
        """Load the counts before this batch into the cached window; False if the reply lacks them."""
        if not isinstance(fields, list):
            return False
        current = min(after - self.units, MAX_COUNT)
        if self.cached is not None and self._steps is not None:
            return self._read_part(self.cached, current, fields, sent, cache.parser, refunds)
        snapshot = cache.parser.parse(fields, self.frame)
        if snapshot.deficits:
            self.deficits = snapshot.deficits
            return False
        if not snapshot.has_current:
            return False
        self._delete(snapshot.expired, refunds)
        self.future_fields = snapshot.future_fields
        self.cached = cache.load(self.key, self.frame, snapshot, current, sent)
        return True

    def _read_part(
        self,
        cached: CachedWindow,
        current: int,
        fields: list[Any],
        sent: float,
        parser: HashParser,
        refunds: Refunds,
    ) -> bool:
        """Load the open sub-intervals, and those closed since the last read."""
        frame, steps = self.frame, self._steps or 0
        if steps < 0:
            if cached.number != frame.number or len(fields) != 2:
                return False
            previous, following = parser.count(fields[0]), parser.count(fields[1])
            if previous < 0 or following < 0:
                return self._has_deficits((frame.number - 1, frame.number + 1), (previous, following))
            cached.load_open(previous, current, following)
            return True
        behind = frame.number - cached.number
        if not 0 <= behind <= steps or len(fields) != steps + 3:
            return False
        *since, previous, following, backfilled = counts = list(map(parser.count, fields))
        if min(counts[:-1]) < 0:
            numbers = [*range(frame.number - steps - 1, frame.number), frame.number + 1]
            return self._has_deficits(numbers, counts[:-1])
        if max(0, backfilled) != cached.backfilled:
            cached.expire(sent)
            return False
        cached.advance(frame.number, since[steps - behind :], sent)
        cached.load_open(previous, current, following)
        self._delete(cached.forget(frame.oldest_kept), refunds)
        return True

    def _has_deficits(self, numbers: Sequence[int], counts: Sequence[int]) -> bool:
        """Note which of these sub-intervals are below zero; False, as that decides nothing."""
        self.deficits = tuple(
            (number, -count) for number, count in zip(numbers, counts, strict=True) if count < 0
        )
        return False

    def _delete(self, expired: Sequence[int], refunds: Refunds) -> None:
        if expired:
            refunds.delete(self.key, self.frame.period_seconds, expired)

    def refund(self, units: int) -> None:
        """Refund units, if they were counted."""
        if self._refunds is not None:
            frame = self.frame
            self._refunds.refund(self.key, frame.period_seconds, frame.number, units)


class Batch:
    """Checks, sent together at one stamp: `data` is the pipeline, which has so many `replies`.

    `before` is sent in front of the queries: the commands of `backfill`, then those of `Refunds`, of which
    `refunds` are refunds. `uncounted` are units of admitted requests that Redis did not count, or may not
    have counted. `oldest_enqueued_at` is that of its checks. `is_overdue` is set by the deadline policy.
    """

    def __init__(
        self,
        checks: Sequence[PendingCheck],
        stamp: int,
        now: float,
        cache: WindowCache,
        *,
        before: Sequence[bytes] = (),
        backfill: Sequence[BackfillEntry] = (),
        refunds: Sequence[SentRefund] = (),
    ) -> None:
        self.checks = checks
        self.stamp = stamp
        self.sent = self.oldest_enqueued_at = now
        self.backfill = backfill
        self.uncounted: list[BackfillEntry] = []
        self.is_overdue = False
        self.backfilled = 0
        self.rejected_backfill = 0
        self.future_fields = 0
        self.has_deficits = False
        """Whether a window did not decide because a count in it is below zero."""
        self.error_reply: ResponseError | None = None
        self._refunds = refunds
        self._before = len(before)
        self._queries: dict[str, WindowQuery] = {}
        for check in checks:
            self._add(check, cache)
        strings = cache.frames.bulk_strings
        commands = [TIME, *before]
        self.replies = 2 + self._before
        for query in self._queries.values():
            commands.append(query.commands(strings[query.units]))
            self.replies += query.replies
        commands.append(TIME)
        self.data = b"".join(commands)

    def _add(self, check: PendingCheck, cache: WindowCache) -> None:
        if check.enqueued_at < self.oldest_enqueued_at:
            self.oldest_enqueued_at = check.enqueued_at
        refundable = []
        for hit in check.hits:
            key, cost = hit.key, hit.cost
            query = self._queries.get(key)
            if query is None:
                frame = cache.frames.at(self.stamp, hit.limit.period_seconds)
                query = self._queries[key] = WindowQuery(key, frame, cache.get(key), self.sent)
            query.units += cost
            refundable.append((query, cost))
        check.reservation = Reservation.IN_FLIGHT
        check.refundable = refundable

    def waiting_since(self) -> float:
        """When the oldest check that is waiting was enqueued, else when the batch was sent."""
        return min([self.sent, *(check.enqueued_at for check in self.checks if check.is_waiting)])

    @property
    def units(self) -> int:
        """Its units in all windows."""
        return sum(query.units for query in self._queries.values())

    @property
    def keys(self) -> Iterable[str]:
        """The windows that it has read, once it is settled."""
        return (query.key for query in self._queries.values() if query.ready)

    def executed(self, replies: Sequence[Reply]) -> tuple[int, int]:
        """When Redis executed the first and the last command, in microseconds.

        Raises:
            StoreUnavailable: the reply to TIME is no time.
        """
        return _microseconds(replies[0]), _microseconds(replies[-1])

    def settle(
        self,
        replies: Sequence[Reply],
        executed: tuple[int, int],
        enqueued_since: float,
        cache: WindowCache,
        refunds: Refunds,
    ) -> list[PendingCheck]:
        """Decide its checks and collect refunds; returns the checks that must be sent once more.

        No callback is called.

        Args:
            replies: to all of its commands.
            executed: when Redis executed them, by its clock.
            enqueued_since: monotonic seconds; checks that were enqueued before are not admitted.
            cache: the node's windows, which are updated.
            refunds: those of the connection that the replies came from.
        """
        error = decision.stamp_error(self.stamp, executed)
        place = 1 + self._before
        for query in self._queries.values():
            query.apply_replies(replies, place, error, self.sent, cache, refunds)
            place += query.replies
            self.future_fields += query.future_fields
            if query.deficits:
                self.has_deficits = True
            if query.error_reply is not None:
                self.error_reply = query.error_reply
        if self.backfill:
            self._settle_backfill(replies[1::COMMANDS_PER_ENTRY])
        if self._refunds:
            self._check_refunds(replies[1 + len(self.backfill) * COMMANDS_PER_ENTRY :], refunds)
        waiting = []
        for check in self.checks:
            check.reservation = Reservation.HELD
            if check.enqueued_at < enqueued_since:
                check.fail(StoreUnavailable("the answer came too late"))
            if check.result is None and not check.cancelled:
                waiting.append(check)
            else:
                self._settle_without(check)
        return [check for check in waiting if not self._resolve(check)]

    def _settle_backfill(self, replies: Sequence[Reply]) -> None:
        for entry, reply in zip(self.backfill, replies, strict=False):
            if not isinstance(reply, ResponseError):
                self.backfilled += entry.units
                continue
            self.error_reply = reply
            if is_key_error(str(reply)):
                self.rejected_backfill += entry.units
            else:
                self.uncounted.append(entry)

    def _check_refunds(self, replies: Sequence[Reply], refunds: Refunds) -> None:
        """Undo refunds that left less than zero: the counts that they were for are lost.

        All of their units, not only those below zero: others may have been counted since, and those stay.
        """
        for refund in self._refunds:
            left = replies[refund.place]
            if isinstance(left, int) and left < 0:
                refunds.add(refund.key, refund.period_seconds, refund.number, refund.units)

    def fill_deficits(self, refunds: Refunds) -> None:
        """Bring each count that was below zero before this batch up to zero."""
        for query in self._queries.values():
            for number, units in query.deficits:
                refunds.add(query.key, query.frame.period_seconds, number, units)

    def _settle_without(self, check: PendingCheck) -> None:
        """Settle a check that is cancelled or has failed; admitted units come before those of others."""
        queries = [query for query, _ in check.refundable]
        if (check.cancelled and check.admitted_at is None) or not all(query.ready for query in queries):
            check.refund()
            if check.admitted_at is not None:
                # Units in a sub-interval far from their time are backfilled, to where they belong.
                self.uncounted += [BackfillEntry.of(hit, check.admitted_at) for hit in check.hits]
            return
        for hit, query in zip(check.hits, queries, strict=True):
            if query.cached is not None:
                query.cached.add(hit.cost)

    def _resolve(self, check: PendingCheck) -> bool:
        """Decide one check, in its turn; False if it must be sent once more."""
        if len(check.refundable) == 1:
            query, cost = check.refundable[0]
            if query.ready and query.cached is not None:
                hit = check.hits[0]
                status = decision.decide_one(hit, query.cached, query.frame, self.stamp)
                check.result = (status,)
                if not status.admitted:
                    check.refundable = ()
                    query.refund(cost)
                    if not hit.shadow:
                        query.cached.deny(hit.limit.quota, cost, self.stamp, status.wait_seconds, self.sent)
                return True
        return self._resolve_all(check)

    def _resolve_all(self, check: PendingCheck) -> bool:
        queries = [query for query, _ in check.refundable]
        if not all(query.counted for query in queries):
            check.refund()
            check.fail(not_counted(self.error_reply))
            return True
        windows = [query.cached for query in queries if query.ready and query.cached is not None]
        if len(windows) < len(queries):
            check.refund()
            return False
        statuses = decision.decide(check.hits, windows, self.stamp)
        passes = decision.admits(check.hits, statuses)
        taken = []
        for hit, query, cached, status in zip(check.hits, queries, windows, statuses, strict=True):
            if passes and status.admitted:
                taken.append((query, hit.cost))
            else:
                query.refund(hit.cost)
            if not status.admitted and not hit.shadow:
                cached.deny(hit.limit.quota, hit.cost, self.stamp, status.wait_seconds, self.sent)
        check.refundable = taken
        check.result = statuses
        return True

    def fail(self, reason: StoreUnavailable) -> None:
        """There will be no replies: Redis counted what was sent, or did not."""
        self.uncounted += self.backfill
        for check in self.checks:
            check.reservation = Reservation.NONE
            check.refundable = ()
            check.fail(reason)
            if check.admitted_at is not None:
                self.uncounted += [BackfillEntry.of(hit, check.admitted_at) for hit in check.hits]


def _microseconds(reply: Reply) -> int:
    if isinstance(reply, list) and len(reply) == 2:
        try:
            return int(reply[0]) * MICROSECONDS + int(reply[1])
        except (ValueError, TypeError, OverflowError):
            pass
    kind = "refuses" if isinstance(reply, ResponseError) else "answers nonsense to"
    raise StoreUnavailable(f"Redis {kind} TIME: {reply}")
