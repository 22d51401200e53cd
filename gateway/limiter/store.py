"""Redis as the store of counters: connections, batching, heartbeat, the deadline policy and the breaker."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from math import inf
from sys import maxsize

from gateway.clock import RedisClock, monotonic
from gateway.contract.redis_errors import explained
from gateway.errors import StoreUnavailable
from gateway.limiter.batch import Batch, PendingCheck, Refunds, SentRefund, notify
from gateway.limiter.connection import (
    PipelineConnection,
    Reply,
    is_key_error,
    is_server_error,
    not_counted,
)
from gateway.limiter.decision import Hit
from gateway.limiter.fallback import BackfillEntry, Backlog, backfill_commands
from gateway.limiter.window_cache import WindowCache
from gateway.outage import Outage
from gateway.redis_endpoint import CONNECT_SECONDS, Endpoint
from gateway.telemetry.counters import Counters

MEMORY_SECONDS = 10.0
MAX_PROBES = 16
REFUND_SECONDS = 0.005
BACKFILL_AT_ONCE = 500
BACKFILL_WITH_CHECKS = 100  # windows that may still be pending when decisions begin
HEARTBEAT_SECONDS = 0.25
PROBE_SECONDS = 0.025
FINISH_SECONDS = 1.0

_ERROR_REPLY_SECONDS = 10.0
_CATCH_UP_TURNS = 2  # of the event loop: after these it has read what was there
_LATEST = 2  # deadlines; replies that this process reads later admit no request
_TIME_SAMPLES = 3
_RECONNECT_SECONDS = (0.05, 0.1, 0.2, 0.4)
_HEALTHY_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Breaker:
    """Closed, it lets checks through. A failure opens it; successful probes close it. No I/O, no clock.

    One success is enough after a first failure. After another within `MEMORY_SECONDS`, `MAX_PROBES` in a row
    are needed, so that a store which replies only now and then does not delay every other request.
    """

    def __init__(self) -> None:
        self._last_opening = -inf
        self._needed = 1
        self._missing = 0
        self.is_closed = True

    def failed(self, now: float) -> None:
        """The store did not reply in time, or did not count, at monotonic `now`."""
        if self.is_closed:
            self._needed = MAX_PROBES if now - self._last_opening <= MEMORY_SECONDS else 1
            self._last_opening = now
        self._missing = self._needed
        self.is_closed = False

    def succeeded(self) -> None:
        """The store replied to a probe in time."""
        self._missing = max(0, self._missing - 1)
        self.is_closed = self._missing == 0


class StoreHealth:
    """The breaker, and what is logged of failures: each once until it is over."""

    def __init__(self, counters: Counters, now: Callable[[], float]) -> None:
        self._counters = counters
        self._now = now
        self._breaker = Breaker()
        self._outage = Outage(logger, "Redis, for counting")
        self._on_open: Callable[[], None] = lambda: None
        self._error_reply_at: float | None = None
        self.disconnects = 0
        """Since Redis last counted, or replied for a while."""

    @property
    def is_closed(self) -> bool:
        """Whether checks may be sent."""
        return self._breaker.is_closed

    @property
    def last_error(self) -> str:
        """Why Redis does not work; empty if it does."""
        return self._outage.reason

    def on_open(self, call: Callable[[], None]) -> None:
        """Call this whenever the breaker opens."""
        self._on_open = call

    def on_timeout(self) -> None:
        """Redis did not reply within the deadline."""
        self._open()

    def on_error_reply(self, reply: str, reason: Exception) -> bool:
        """Redis replied to a counting command with an error; returns whether to close the connection."""
        if is_key_error(reply):
            if self._counters.store_damaged == 0:
                logger.warning("a counter in Redis is damaged; its client is limited without it: %s", reply)
            self._counters.store_damaged += 1
            return False
        self._error_reply_at = self._now()
        self._outage.failed(explained(str(reason)))
        if is_server_error(reply):
            return True
        self._open()
        return False

    def on_disconnect(self, reason: Exception) -> None:
        """The connection is gone, or there was none."""
        self._outage.failed(explained(str(reason)))
        self.disconnects += 1

    def _open(self) -> None:
        opens = self._breaker.is_closed
        self._breaker.failed(self._now())
        if opens:
            self._on_open()

    def on_probe(self, *, in_time: bool) -> None:
        """Redis replied while the breaker was open."""
        if in_time:
            self._breaker.succeeded()
        else:
            self._breaker.failed(self._now())

    def on_success(self, *, counted: bool = True) -> None:
        """Redis counted, or replied for a while, which proves little after an error reply."""
        since = self._error_reply_at
        if not counted and since is not None and self._now() < since + _ERROR_REPLY_SECONDS:
            return
        self._error_reply_at = None
        self._outage.worked()
        self.disconnects = 0

    def on_future_fields(self, count: int) -> None:
        """A hash had fields of sub-intervals in the future."""
        if count and self._counters.store_fields_ahead == 0:
            logger.warning("counters of the future are in Redis, and ignored: was its clock put back?")
        self._counters.store_fields_ahead += count


class Batcher:
    """Turns the checks of one connection into batches; all of them end with the connection."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._connection = PipelineConnection(self._settle)
        self._waiting: list[PendingCheck] = []
        self.is_ready = False
        """Whether Redis' time is known well enough for checks and backfill."""
        self._flush_scheduled = False
        self._refunds = Refunds(self._refund_soon)
        self._filled_at = -inf
        self._deadline_timer: asyncio.Handle | None = None
        self._next_deadline = inf
        self.progress = asyncio.Event()
        """Set with each batch that is settled, and when the connection is gone."""
        self.lost.add_done_callback(lambda _: self.progress.set())

    async def open(self, endpoint: Endpoint) -> None:
        """As `PipelineConnection.open`."""
        await self._connection.open(endpoint)

    @property
    def lost(self) -> asyncio.Future[StoreUnavailable]:
        """As `PipelineConnection.lost`."""
        return self._connection.lost

    @property
    def in_flight(self) -> deque[Batch]:
        """As `PipelineConnection.in_flight`."""
        return self._connection.in_flight

    @property
    def has_work(self) -> bool:
        """Whether anything is left to send or to receive."""
        return bool(self._waiting or self.in_flight or self._refunds or self._store.backlog.pending)

    def check(self, hits: Sequence[Hit], on_result: Callable[[PendingCheck], None]) -> PendingCheck:
        """Enqueue a check."""
        check = PendingCheck(hits, self._store.now(), on_result)
        self._waiting.append(check)
        self.flush_soon()
        return check

    def flush_soon(self) -> None:
        """Flush at the end of this turn of the event loop."""
        if not self._flush_scheduled:
            self._flush_scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def _refund_soon(self) -> None:
        asyncio.get_running_loop().call_later(REFUND_SECONDS, self.flush_soon)

    def flush(self) -> None:
        """Send what is waiting. An empty batch still reads Redis' time, and shows that it is alive."""
        self._flush_scheduled = False
        if self.lost.done() or not self.is_ready:
            return
        checks = [check for check in self._waiting if check.result is None and not check.cancelled]
        self._waiting.clear()
        backfill: Sequence[BackfillEntry] = ()
        store = self._store
        if store.backlog.pending:
            most = maxsize if store.health.is_closed else BACKFILL_AT_ONCE
            backfill = store.backlog.take(store.now(), most)
        self.send(checks, backfill)

    def send(self, checks: list[PendingCheck], backfill: Sequence[BackfillEntry]) -> Batch:
        """Send one pipeline: backfill, then refunds, then queries."""
        store = self._store
        now = store.now()
        stamp = store.clock.stamp(now)
        before: list[bytes] = []
        refunds: list[SentRefund] = []
        if backfill:
            for entry in backfill:
                store.cache.expire(entry.key, now)
            before = backfill_commands(backfill, store.clock.time, stamp)
        if self._refunds:
            renewed = {hit.key for check in checks for hit in check.hits}
            commands, refunds = self._refunds.take(stamp, renewed)
            before += commands
        batch = Batch(checks, stamp, now, store.cache, before=before, backfill=backfill, refunds=refunds)
        self._connection.send(batch)
        deadline = batch.oldest_enqueued_at + store.deadline_seconds
        if deadline < self._next_deadline:
            self._set_deadline_timer(deadline, now)
        return batch

    def _set_deadline_timer(self, deadline: float, now: float) -> None:
        """One timer for all batches: one for each, set and cancelled, costs a tenth of a small batch."""
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        self._next_deadline = deadline
        loop = asyncio.get_running_loop()
        self._deadline_timer = loop.call_later(deadline - now, self._on_timer, _CATCH_UP_TURNS)

    def _on_timer(self, turns: int) -> None:
        """Give the loop some turns to read replies first, since this process itself may be late."""
        if turns:
            self._deadline_timer = asyncio.get_running_loop().call_soon(self._on_timer, turns - 1)
        else:
            self._check_deadlines()

    def _check_deadlines(self) -> None:
        """The deadline policy, applied when the oldest waiting check reaches its deadline.

        A check that has waited for the deadline fails: the limiter decides it without Redis. A batch without
        replies for that long is overdue: the breaker opens, and checks that are not sent yet fail too. (What
        late replies are still good for, `_settle` says.)
        """
        self._deadline_timer, self._next_deadline = None, inf
        deadline_seconds, now = self._store.deadline_seconds, self._store.now()
        reason = StoreUnavailable("no answer within the deadline")
        next_deadline, any_overdue = inf, False
        batches = [batch for batch in self.in_flight if not batch.is_overdue]
        for batch in batches:
            self._fail_expired(batch.checks, now, reason)
            if now - batch.sent >= deadline_seconds:
                batch.is_overdue = any_overdue = True
                self._store.health.on_timeout()
            else:
                next_deadline = min(next_deadline, batch.waiting_since() + deadline_seconds)
        if next_deadline < inf:
            self._set_deadline_timer(next_deadline, now)
        for batch in batches:
            notify(batch.checks)
        if any_overdue:
            self.fail_waiting(reason)

    def _fail_expired(self, checks: Iterable[PendingCheck], now: float, reason: StoreUnavailable) -> None:
        for check in checks:
            if now - check.enqueued_at >= self._store.deadline_seconds:
                check.fail(reason)

    def fail_waiting(self, reason: StoreUnavailable) -> None:
        """Fail the checks that are not sent yet."""
        waiting, self._waiting = self._waiting, []
        for check in waiting:
            check.fail(reason)
        notify(waiting)

    def _settle(self, batch: Batch, replies: list[Reply]) -> None:
        store = self._store
        received = store.now()
        try:
            executed = batch.executed(replies)
        except StoreUnavailable as error:
            self._fail_batch(batch, error)
            self.fail(error)
            notify(batch.checks)
            return
        # Replies delayed by a Redis that hung tell no latency: a stamp made from them lies in the future.
        if received - batch.sent <= store.deadline_seconds or not store.clock.knows:
            store.clock.learn(batch.sent, sum(executed) // 2, received)
        latest = received - _LATEST * store.deadline_seconds
        undecided = batch.settle(replies, executed, latest, store.cache, self._refunds)
        self._record(batch, received)
        if undecided:
            self._retry(undecided, received, soon=not batch.has_deficits)
        self._repair(batch)
        if batch.error_reply is not None:
            self._on_error_reply(batch.error_reply)
        elif not store.health.is_closed:
            self._on_probe(batch, received)
        elif batch.checks:
            store.health.on_success()
        self.progress.set()
        notify(batch.checks)

    def _record(self, batch: Batch, received: float) -> None:
        store = self._store
        store.counters.store_latency.add(received - batch.sent)
        store.counters.store_posted += batch.backfilled
        if batch.future_fields:
            store.health.on_future_fields(batch.future_fields)
        if batch.uncounted:
            store.backlog.requeue(batch.uncounted)
        store.backlog.discard(batch.rejected_backfill)
        if len(store.backlog):
            for key in batch.keys:
                store.backlog.reconcile(key, batch.sent)

    def _repair(self, batch: Batch) -> None:
        """Ensure that no count stays below zero.

        The node whose refund left it so adds the units as soon as it has the reply. When a check has waited
        for half of its deadline, that node is gone, and this one adds them. If several do, too much counts
        until the sub-interval leaves the window; never too little.
        """
        has_waited = batch.sent - batch.oldest_enqueued_at >= self._store.deadline_seconds / 2
        # A batch that was sent before deficits were filled has read them as they were.
        if batch.has_deficits and has_waited and batch.sent >= self._filled_at:
            batch.fill_deficits(self._refunds)
            self._filled_at = self._store.now()
        if self._refunds.has_additions:
            self.flush_soon()

    def _retry(self, checks: list[PendingCheck], now: float, *, soon: bool) -> None:
        """Resend checks that were executed too far from their stamp, or whose window has a count below zero.

        Within the same deadline: `soon`, or with the next refunds, as another node is repairing the count.
        """
        self._store.counters.store_discarded += len(checks)
        self._fail_expired(checks, now, StoreUnavailable("no answer that counts within the deadline"))
        self._waiting += [check for check in checks if check.is_waiting]
        if self._waiting and soon:
            self.flush_soon()
        elif self._waiting:
            self._refund_soon()

    def _on_error_reply(self, reply: Exception) -> None:
        reason = not_counted(reply)
        if self._store.health.on_error_reply(str(reply), reason):
            self.fail(reason)
        elif not self._store.health.is_closed:
            self.fail_waiting(reason)

    def _on_probe(self, batch: Batch, received: float) -> None:
        backlog = self._store.backlog
        in_time = received - batch.sent <= self._store.deadline_seconds
        if not in_time or backlog.pending <= BACKFILL_WITH_CHECKS:
            self._store.health.on_probe(in_time=in_time)
        if not self.in_flight and (not in_time or (backlog.pending and not batch.uncounted)):
            self.flush_soon()

    def fail(self, reason: StoreUnavailable) -> None:
        """Close the connection."""
        self._connection.fail(reason)

    def fail_all(self) -> None:
        """Fail all checks after the connection is gone; what may be uncounted goes to the backlog."""
        reason = self.lost.result()
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        for batch in self.in_flight:
            self._fail_batch(batch, reason)
        for batch in self.in_flight:
            notify(batch.checks)
        self.fail_waiting(reason)

    def _fail_batch(self, batch: Batch, reason: StoreUnavailable) -> None:
        batch.fail(reason)
        self._store.backlog.requeue(batch.uncounted)
        self._store.counters.store_uncertain += batch.units


class Store:
    """`run` is a task that keeps one connection at a time; `check` enqueues a check for its next pipeline.

    `tried` is set when it is first known whether Redis is available.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        clock: RedisClock,
        counters: Counters,
        cache: WindowCache,
        backlog: Backlog,
        *,
        deadline_seconds: float,
        silence_seconds: float,
        now: Callable[[], float] = monotonic,
    ) -> None:
        """A check waits for `deadline_seconds`; after `silence_seconds` the connection is closed."""
        self._endpoint = endpoint
        self.clock = clock
        self.counters = counters
        self.cache = cache
        self.backlog = backlog
        self.deadline_seconds = deadline_seconds
        self._silence_seconds = silence_seconds
        self.now = now
        self.health = StoreHealth(counters, now)
        self.health.on_open(self._probe_soon)
        self._active: Batcher | None = None
        self._healthy_at = 0.0
        self._probing = False
        self.tried = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether Redis decides now: it is connected, and replies in time."""
        return self._active is not None and self.health.is_closed

    @property
    def last_error(self) -> str:
        """Why Redis does not work; empty if it does."""
        return self.health.last_error

    def check(self, hits: Sequence[Hit], on_result: Callable[[PendingCheck], None]) -> PendingCheck:
        """Enqueue a check; `on_result` is called with it.

        Raises:
            StoreUnavailable: Redis is not connected, or too slow.
        """
        if self._active is None:
            raise StoreUnavailable("not connected to Redis")
        if not self.health.is_closed:
            raise StoreUnavailable("Redis did not answer in time")
        return self._active.check(hits, on_result)

    async def run(self) -> None:
        """Connect, serve, and reconnect, until cancelled."""
        while True:
            batcher = Batcher(self)
            try:
                await self._open(batcher)
                await self._serve(batcher)
            except StoreUnavailable as error:
                self.health.on_disconnect(error)
                batcher.fail(error)
            finally:
                self._active = None
                batcher.fail(StoreUnavailable("the node stops"))
                batcher.fail_all()
                self.tried.set()
            attempts = min(self.health.disconnects, len(_RECONNECT_SECONDS))
            await asyncio.sleep(_RECONNECT_SECONDS[attempts - 1])

    async def finish(self) -> None:
        """Wait until nothing is in flight and Redis has all units, if it replies. No checks may follow."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS):
                while self._active is not None and self._active.has_work:
                    self._active.flush_soon()
                    await _progress(self._active)

    async def _open(self, batcher: Batcher) -> None:
        """Before the first check, learn Redis' time and backfill."""
        self.clock.forget()
        self.cache.expire_all(self.now())
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await batcher.open(self._endpoint)
                for _ in range(_TIME_SAMPLES):
                    await self._round_trip(batcher)
            while self.backlog.pending > BACKFILL_WITH_CHECKS:
                async with asyncio.timeout(self._silence_seconds):
                    await self._round_trip(batcher, backfills=True)
        except TimeoutError:
            raise StoreUnavailable("it does not answer") from None

    async def _round_trip(self, batcher: Batcher, *, backfills: bool = False) -> None:
        batch = batcher.send([], self.backlog.take(self.now(), BACKFILL_AT_ONCE) if backfills else [])
        while batcher.in_flight and not batcher.lost.done():
            await _progress(batcher)
        if batcher.lost.done():
            raise batcher.lost.result()
        if batch.error_reply is not None and not is_key_error(str(batch.error_reply)):
            raise not_counted(batch.error_reply)

    async def _serve(self, batcher: Batcher) -> None:
        self._active = batcher
        batcher.is_ready = True
        self._healthy_at = self.now() + _HEALTHY_SECONDS
        self.tried.set()
        if not self.health.is_closed:
            self._probe_soon()
        while not batcher.lost.done():
            await asyncio.wait({batcher.lost}, timeout=min(HEARTBEAT_SECONDS, self._silence_seconds / 4))
            self._heartbeat(batcher)
        raise batcher.lost.result()

    def _heartbeat(self, batcher: Batcher) -> None:
        """Send an empty batch if idle, so that Redis' time stays fresh and its loss is noticed."""
        now = self.now()
        if not batcher.in_flight:
            batcher.flush()
        elif now - batcher.in_flight[0].sent > self._silence_seconds:
            batcher.fail(StoreUnavailable(f"no answer for {self._silence_seconds:g} s"))
        if self.health.is_closed and now > self._healthy_at:
            self.health.on_success(counted=False)

    def _probe_soon(self) -> None:
        if not self._probing:
            self._probing = True
            asyncio.get_running_loop().call_later(PROBE_SECONDS, self._probe)

    def _probe(self) -> None:
        """While the breaker is open, read Redis' time again and again."""
        self._probing = False
        if self._active is not None and not self.health.is_closed:
            if not self._active.in_flight:
                self._active.flush()
            self._probe_soon()


async def _progress(batcher: Batcher) -> None:
    batcher.progress.clear()
    await batcher.progress.wait()
