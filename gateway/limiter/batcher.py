"""On one connection to Redis: turns waiting requests into pipelines, and replies into decisions."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from sys import maxsize

from gateway.clock import RedisClock
from gateway.errors import StoreUnavailable
from gateway.limiter.ask import Ask, tell
from gateway.limiter.batch import Batch
from gateway.limiter.connection import PipelineConnection, Reply, not_counted
from gateway.limiter.corrections import Corrections, Refund
from gateway.limiter.decision import Hit
from gateway.limiter.fallback import BackfillEntry, Backlog, backfill_commands
from gateway.limiter.guard import Guard
from gateway.limiter.window_cache import WindowCache
from gateway.redis_endpoint import Endpoint
from gateway.telemetry.counters import Counters

GIVE_BACK_SECONDS = 0.005
POSTINGS_AT_ONCE = 500
POSTED_WITH_A_BATCH = 100  # windows that may still be owed when decisions begin
_CATCH_UP_TURNS = 2  # of the event loop: after these it has read what had come
_LATEST = 2  # deadlines; an answer that this process reads later than that admits nobody


@dataclass(frozen=True, slots=True)
class Shared:
    """What outlives a connection. `now` tells monotonic seconds."""

    clock: RedisClock
    counters: Counters
    cache: WindowCache
    backlog: Backlog
    guard: Guard
    deadline_seconds: float
    now: Callable[[], float]


class Batcher:
    """All that is under way on a connection belongs to it, and is written off with it."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._connection = PipelineConnection(self._settle)
        self._waiting: list[Ask] = []
        self.serves = False
        """Whether Redis' time is known well enough to count by it, and to post by it."""
        self._flush_due = False
        self._corrections = Corrections(self._correct_soon)
        self._filled_at = -inf
        self._judgement: asyncio.Handle | None = None
        self._judged_at = inf
        self.progress = asyncio.Event()
        """Set with each batch that is settled, and when the connection is gone."""
        self.lost.add_done_callback(lambda _: self.progress.set())

    async def open(self, endpoint: Endpoint) -> None:
        """Connect.

        Raises:
            StoreUnavailable: nobody there, or not let in.
        """
        await self._connection.open(endpoint)

    @property
    def lost(self) -> asyncio.Future[StoreUnavailable]:
        """Done, with the reason, when the connection is gone."""
        return self._connection.lost

    @property
    def in_flight(self) -> deque[Batch]:
        """What was sent and not answered yet, the oldest first."""
        return self._connection.in_flight

    @property
    def has_work(self) -> bool:
        """Whether anything is left to be sent or answered."""
        return bool(self._waiting or self.in_flight or self._corrections or self._shared.backlog.pending)

    def ask(self, hits: Sequence[Hit], on_answer: Callable[[Ask], None]) -> Ask:
        """Let a request wait for its decision."""
        ask = Ask(hits, self._shared.now(), on_answer)
        self._waiting.append(ask)
        self.flush_soon()
        return ask

    def flush_soon(self) -> None:
        """Send what waits when this turn of the event loop is over."""
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self.flush)

    def _correct_soon(self) -> None:
        asyncio.get_running_loop().call_later(GIVE_BACK_SECONDS, self.flush_soon)

    def flush(self) -> None:
        """Send what waits, be it nothing: then Redis tells the time, and that it is there."""
        self._flush_due = False
        if self.lost.done() or not self.serves:
            return
        asks = [ask for ask in self._waiting if ask.answer is None and not ask.left]
        self._waiting.clear()
        entries: Sequence[BackfillEntry] = ()
        if self._shared.backlog.pending:
            most = maxsize if self._shared.guard.is_closed else POSTINGS_AT_ONCE
            entries = self._shared.backlog.take(self._shared.now(), most)
        self.send(asks, entries)

    def send(self, asks: list[Ask], entries: Sequence[BackfillEntry]) -> Batch:
        """One pipeline: what was admitted without Redis, then what goes back, then the questions."""
        shared = self._shared
        now = shared.now()
        stamp = shared.clock.stamp(now)
        before: list[bytes] = []
        refunds: list[Refund] = []
        if entries:
            for entry in entries:
                shared.cache.expire(entry.key, now)
            before = backfill_commands(entries, shared.clock.time, stamp)
        if self._corrections:
            asked = {hit.key for ask in asks for hit in ask.hits}
            corrections, refunds = self._corrections.take(stamp, asked)
            before += corrections
        batch = Batch(asks, stamp, now, shared.cache, before=before, entries=entries, refunds=refunds)
        self._connection.send(batch)
        due = batch.asked_first + shared.deadline_seconds
        if due < self._judged_at:
            self._judge_at(due, now)
        return batch

    def _judge_at(self, due: float, now: float) -> None:
        """Look at what is under way when a decision in it has waited for as long as it may.

        One timer for all of it: one for each batch, set and cancelled, costs a tenth of a small batch.
        """
        if self._judgement is not None:
            self._judgement.cancel()
        self._judged_at = due
        loop = asyncio.get_running_loop()
        self._judgement = loop.call_later(due - now, self._look, _CATCH_UP_TURNS)

    def _look(self, turns: int) -> None:
        """Not at once: where this process itself was late, the answer is there and wants to be read first."""
        if turns:
            self._judgement = asyncio.get_running_loop().call_soon(self._look, turns - 1)
        else:
            self._judge()

    def _judge(self) -> None:
        self._judgement, self._judged_at = None, inf
        deadline, now = self._shared.deadline_seconds, self._shared.now()
        late = StoreUnavailable("no answer within the deadline")
        due, is_late = inf, False
        judged = [batch for batch in self.in_flight if not batch.is_late]
        for batch in judged:
            self._fail_overdue(batch.asks, now, late)
            if now - batch.sent >= deadline:
                batch.is_late = is_late = True
                self._shared.guard.late()
            else:
                due = min(due, batch.waits_since() + deadline)
        if due < inf:
            self._judge_at(due, now)
        for batch in judged:
            tell(batch.asks)
        if is_late:
            self.turn_away(late)

    def _fail_overdue(self, asks: Iterable[Ask], now: float, reason: StoreUnavailable) -> None:
        for ask in asks:
            if now - ask.asked >= self._shared.deadline_seconds:
                ask.fail(reason)

    def turn_away(self, reason: StoreUnavailable) -> None:
        """Tell those whose question has not been sent that it will not be."""
        waiting, self._waiting = self._waiting, []
        for ask in waiting:
            ask.fail(reason)
        tell(waiting)

    def _settle(self, batch: Batch, replies: list[Reply]) -> None:
        shared = self._shared
        received = shared.now()
        try:
            executed = batch.executed(replies)
        except StoreUnavailable as error:
            self._write_off(batch, error)
            self.fail(error)
            tell(batch.asks)
            return
        # Those that waited while Redis hung say nothing of the way: a stamp by theirs lies in the future.
        if received - batch.sent <= shared.deadline_seconds or not shared.clock.knows:
            shared.clock.learn(batch.sent, sum(executed) // 2, received)
        latest = received - _LATEST * shared.deadline_seconds
        again = batch.settle(replies, executed, latest, shared.cache, self._corrections)
        self._book(batch, received)
        if again:
            self._ask_again(again, received, soon=not batch.has_deficits)
        self._repair(batch)
        if batch.refusal is not None:
            self._refused(batch.refusal)
        elif not shared.guard.is_closed:
            self._probed(batch, received)
        elif batch.asks:
            shared.guard.proved()
        self.progress.set()
        tell(batch.asks)

    def _book(self, batch: Batch, received: float) -> None:
        shared = self._shared
        shared.counters.store_latency.add(received - batch.sent)
        shared.counters.store_posted += batch.backfilled
        if batch.future_fields:
            shared.guard.saw_fields_ahead(batch.future_fields)
        if batch.lacking:
            shared.backlog.requeue(batch.lacking)
        shared.backlog.discard(batch.refused_postings)
        if len(shared.backlog):
            for key in batch.keys:
                shared.backlog.reconcile(key, batch.sent)

    def _repair(self, batch: Batch) -> None:
        """See to it that no count stays below zero.

        The node whose refund left it so adds the units as soon as it has the reply. Where a request has
        waited for half of its deadline, that node is gone, and this one does. If several do, too much is
        counted until the sub-interval leaves the window; too little never.
        """
        has_waited = batch.sent - batch.asked_first >= self._shared.deadline_seconds / 2
        # One that was sent before deficits were filled has seen them as they were.
        if batch.has_deficits and has_waited and batch.sent >= self._filled_at:
            batch.fill_deficits(self._corrections)
            self._filled_at = self._shared.now()
        if self._corrections.has_additions:
            self.flush_soon()

    def _ask_again(self, asks: list[Ask], now: float, *, soon: bool) -> None:
        """These were not decided: Redis worked on them too far from their stamp, or a count is below zero.

        Once more, within the same deadline: `soon`, or when refunds are due, as another node is repairing it.
        """
        self._shared.counters.store_discarded += len(asks)
        self._fail_overdue(asks, now, StoreUnavailable("no answer that counts within the deadline"))
        self._waiting += [ask for ask in asks if ask.waits]
        if self._waiting and soon:
            self.flush_soon()
        elif self._waiting:
            self._correct_soon()

    def _refused(self, reply: Exception) -> None:
        """Redis answers, and does not count."""
        reason = not_counted(reply)
        if self._shared.guard.refused(str(reply), reason):
            self.fail(reason)
        elif not self._shared.guard.is_closed:
            self.turn_away(reason)

    def _probed(self, batch: Batch, received: float) -> None:
        backlog = self._shared.backlog
        in_time = received - batch.sent <= self._shared.deadline_seconds
        if not in_time or backlog.pending <= POSTED_WITH_A_BATCH:
            self._shared.guard.probed(in_time=in_time)
        if not self.in_flight and (not in_time or (backlog.pending and not batch.lacking)):
            self.flush_soon()

    def fail(self, reason: StoreUnavailable) -> None:
        """Give the connection up."""
        self._connection.fail(reason)

    def write_off(self) -> None:
        """The connection is gone: whoever waits is told, and what may have been counted is in the books."""
        reason = self.lost.result()
        if self._judgement is not None:
            self._judgement.cancel()
        for batch in self.in_flight:
            self._write_off(batch, reason)
        for batch in self.in_flight:
            tell(batch.asks)
        self.turn_away(reason)

    def _write_off(self, batch: Batch, reason: StoreUnavailable) -> None:
        batch.lose(reason)
        self._shared.backlog.requeue(batch.lacking)
        self._shared.counters.store_uncertain += batch.units
