"""All decisions that wait in one turn of the event loop, as one pipeline and its replies."""

from collections.abc import Iterable, Sequence

from redis.exceptions import ResponseError

from gateway.contract.window import MICROSECONDS
from gateway.errors import StoreUnavailable
from gateway.limiter import decision
from gateway.limiter.ask import Ask, Books
from gateway.limiter.connection import Reply, is_key_error, not_counted
from gateway.limiter.corrections import Corrections, Refund
from gateway.limiter.fallback import COMMANDS_PER_ENTRY, BackfillEntry
from gateway.limiter.frame import TIME
from gateway.limiter.part import Part
from gateway.limiter.window_cache import WindowCache


class Batch:
    """Asks and corrections, sent together at one stamp: `data` is the pipeline, with so many `replies`.

    `before` goes in front of the questions: the commands of `entries`, then corrections, of which some are
    `refunds`. `lacking` are units that were let through, and that Redis did not count or perhaps did not. The
    first who asked did so at `asked_first`. It `is_late` when somebody has noticed.
    """

    def __init__(
        self,
        asks: Sequence[Ask],
        stamp: int,
        now: float,
        cache: WindowCache,
        *,
        before: Sequence[bytes] = (),
        entries: Sequence[BackfillEntry] = (),
        refunds: Sequence[Refund] = (),
    ) -> None:
        self.asks = asks
        self.stamp = stamp
        self.sent = self.asked_first = now
        self.entries = entries
        self.lacking: list[BackfillEntry] = []
        self.is_late = False
        self.backfilled = 0
        self.refused_postings = 0
        self.future_fields = 0
        self.has_deficits = False
        """Whether a window was not decided by because a count in it is below zero."""
        self.refusal: ResponseError | None = None
        self._refunds = refunds
        self._before = len(before)
        self._parts: dict[str, Part] = {}
        for ask in asks:
            self._enter(ask, cache)
        words = cache.frames.bulk_strings
        commands = [TIME, *before]
        self.replies = 2 + self._before
        for part in self._parts.values():
            commands.append(part.question(words[part.units]))
            self.replies += part.replies
        commands.append(TIME)
        self.data = b"".join(commands)

    def _enter(self, ask: Ask, cache: WindowCache) -> None:
        if ask.asked < self.asked_first:
            self.asked_first = ask.asked
        due = []
        for hit in ask.hits:
            key, cost = hit.key, hit.cost
            part = self._parts.get(key)
            if part is None:
                frame = cache.frames.at(self.stamp, hit.limit.period_seconds)
                part = self._parts[key] = Part(key, frame, cache.get(key), self.sent)
            part.units += cost
            due.append((part, cost))
        ask.books = Books.OPEN
        ask.due = due

    def waits_since(self) -> float:
        """The monotonic second of the first decision in it that somebody waits for, or of itself."""
        return min([self.sent, *(ask.asked for ask in self.asks if ask.waits)])

    @property
    def units(self) -> int:
        """What it asks for, in all windows."""
        return sum(part.units for part in self._parts.values())

    @property
    def keys(self) -> Iterable[str]:
        """The windows that it has told of, once it is settled."""
        return (part.key for part in self._parts.values() if part.ready)

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
        cache: WindowCache,
        corrections: Corrections,
    ) -> list[Ask]:
        """Decide for those who wait, note what goes back, and return those who must ask once more.

        Nobody is told yet.

        Args:
            replies: to all of its commands.
            executed: when Redis worked on them, by its clock.
            asked_since: monotonic seconds; who has waited since before that is not admitted any more.
            cache: what the node knows of its clients' windows; it is brought up to date.
            corrections: those of the connection that the replies came by.
        """
        error = decision.stamp_error(self.stamp, executed)
        place = 1 + self._before
        for part in self._parts.values():
            part.hear(replies, place, error, self.sent, cache, corrections)
            place += part.replies
            self.future_fields += part.future_fields
            if part.deficits:
                self.has_deficits = True
            if part.refusal is not None:
                self.refusal = part.refusal
        if self.entries:
            self._settle_postings(replies[1::COMMANDS_PER_ENTRY])
        if self._refunds:
            self._check_refunds(replies[1 + len(self.entries) * COMMANDS_PER_ENTRY :], corrections)
        waiting = []
        for ask in self.asks:
            ask.books = Books.COUNTED
            if ask.asked < asked_since:
                ask.fail(StoreUnavailable("the answer came too late"))
            if ask.answer is None and not ask.left:
                waiting.append(ask)
            else:
                self._settle_without(ask)
        return [ask for ask in waiting if not self._resolve(ask)]

    def _settle_postings(self, replies: Sequence[Reply]) -> None:
        for entry, reply in zip(self.entries, replies, strict=False):
            if not isinstance(reply, ResponseError):
                self.backfilled += entry.units
                continue
            self.refusal = reply
            if is_key_error(str(reply)):
                self.refused_postings += entry.units
            else:
                self.lacking.append(entry)

    def _check_refunds(self, replies: Sequence[Reply], corrections: Corrections) -> None:
        """Add the units again of a refund that left less than zero: the counts that it was for are lost.

        All of its units, not only those below zero: others may have been counted since, and those stay.
        """
        for refund in self._refunds:
            left = replies[refund.place]
            if isinstance(left, int) and left < 0:
                corrections.add(refund.key, refund.period_seconds, refund.number, refund.units)

    def fill_deficits(self, corrections: Corrections) -> None:
        """Bring each count that it has seen below zero up to zero, where it was before this batch."""
        for part in self._parts.values():
            for number, units in part.deficits:
                corrections.add(part.key, part.frame.period_seconds, number, units)

    def _settle_without(self, ask: Ask) -> None:
        """Its requester has left, or will; if it let the request pass, the units are in front of others."""
        parts = [part for part, _ in ask.due]
        if (ask.left and ask.passed_at is None) or not all(part.ready for part in parts):
            ask.clear()
            if ask.passed_at is not None:
                # What stands in a sub-interval far from its time is posted again, to where it belongs.
                self.lacking += [BackfillEntry.of(hit, ask.passed_at) for hit in ask.hits]
            return
        for hit, part in zip(ask.hits, parts, strict=True):
            if part.cached is not None:
                part.cached.add(hit.cost)

    def _resolve(self, ask: Ask) -> bool:
        """Decide about one request, in its turn; False where it must ask once more."""
        if len(ask.due) == 1:
            part, cost = ask.due[0]
            if part.ready and part.cached is not None:
                hit = ask.hits[0]
                status = decision.decide_one(hit, part.cached, part.frame, self.stamp)
                ask.answer = (status,)
                if not status.admitted:
                    ask.due = ()
                    part.give_back(cost)
                    if not hit.shadow:
                        part.cached.deny(hit.limit.quota, cost, self.stamp, status.wait_seconds, self.sent)
                return True
        return self._resolve_all(ask)

    def _resolve_all(self, ask: Ask) -> bool:
        parts = [part for part, _ in ask.due]
        if not all(part.counted for part in parts):
            ask.clear()
            ask.fail(not_counted(self.refusal))
            return True
        cache = [part.cached for part in parts if part.ready and part.cached is not None]
        if len(cache) < len(parts):
            ask.clear()
            return False
        statuses = decision.decide(ask.hits, cache, self.stamp)
        passes = decision.admits(ask.hits, statuses)
        taken = []
        for hit, part, cached, status in zip(ask.hits, parts, cache, statuses, strict=True):
            if passes and status.admitted:
                taken.append((part, hit.cost))
            else:
                part.give_back(hit.cost)
            if not status.admitted and not hit.shadow:
                cached.deny(hit.limit.quota, hit.cost, self.stamp, status.wait_seconds, self.sent)
        ask.due = taken
        ask.answer = statuses
        return True

    def lose(self, reason: StoreUnavailable) -> None:
        """The replies will never come: what was sent was counted, or it was not."""
        self.lacking += self.entries
        for ask in self.asks:
            ask.books = Books.CLEAR
            ask.due = ()
            ask.fail(reason)
            if ask.passed_at is not None:
                self.lacking += [BackfillEntry.of(hit, ask.passed_at) for hit in ask.hits]


def _microseconds(reply: Reply) -> int:
    if isinstance(reply, list) and len(reply) == 2:
        try:
            return int(reply[0]) * MICROSECONDS + int(reply[1])
        except (ValueError, TypeError, OverflowError):
            pass
    kind = "refuses" if isinstance(reply, ResponseError) else "answers nonsense to"
    raise StoreUnavailable(f"Redis {kind} TIME: {reply}")
