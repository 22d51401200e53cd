"""Keeps the counting connection, turns waiting requests into pipelines and replies into decisions."""

import asyncio
import logging
from collections import deque
from contextlib import suppress

from gateway.clock import RedisClock, monotonic
from gateway.contract.limits import Limit
from gateway.errors import StoreUnavailable
from gateway.limiter.batch import Ask, Batch, fail
from gateway.limiter.corrections import Corrections
from gateway.limiter.wire import Wire
from gateway.logs import Outage
from gateway.telemetry.counters import Counters

GIVE_BACK_SECONDS = 0.005
HEARTBEAT_SECONDS = 1.0
FINISH_SECONDS = 1.0
_GREETINGS = 3
_CATCH_UP_TURNS = 4  # of the event loop: poll, the stream's reader, the receiver, the requester
_RECONNECT_SECONDS = (0.05, 0.1, 0.2, 0.4)

logger = logging.getLogger(__name__)


class Batcher:
    """Run `run` as a task; then `ask` gives a place in the next pipeline.

    `connected` says whether Redis answers now; `tried` is set when that is known for the first time.
    """

    def __init__(
        self,
        wire: Wire,
        clock: RedisClock,
        counters: Counters,
        *,
        deadline_seconds: float,
        silence_seconds: float,
    ) -> None:
        """While nothing is answered for `deadline_seconds` nothing more is sent: Redis would count it later,
        for nobody. After `silence_seconds` the connection is given up.
        """
        self._wire = wire
        self._clock = clock
        self._counters = counters
        self._deadline_seconds = deadline_seconds
        self._silence_seconds = silence_seconds
        self.connected = False
        self.tried = asyncio.Event()
        self._outage = Outage(logger, "Redis, for counting")
        self._waiting: list[Ask] = []
        self._sent: deque[Batch] = deque()
        self._wake = asyncio.Event()
        self._any_sent = asyncio.Event()
        self._progress = asyncio.Event()
        self._corrections = Corrections(self._correct_soon)

    def ask(self, key: str, limit: Limit, deadline: float) -> Ask:
        """Let a request wait for its decision until monotonic `deadline`.

        Raises:
            StoreUnavailable: there is no connection at the moment, or no answer on it.
        """
        if not self.connected:
            raise StoreUnavailable("not connected to Redis")
        if self.is_stalled:
            raise StoreUnavailable("Redis is silent")
        ask = Ask(key, limit, deadline, asyncio.get_running_loop().create_future())
        self._enqueue(ask)
        return ask

    @property
    def is_stalled(self) -> bool:
        """Whether Redis owes an answer for longer than a decision may wait."""
        return bool(self._sent) and monotonic() - self._sent[0].sent > self._deadline_seconds

    async def catch_up(self) -> None:
        """Let answers that have arrived already be read, where this process itself is late."""
        for _ in range(_CATCH_UP_TURNS):
            await asyncio.sleep(0)

    def _enqueue(self, ask: Ask) -> None:
        self._waiting.append(ask)
        self._wake.set()

    def _correct_soon(self) -> None:
        asyncio.get_running_loop().call_later(GIVE_BACK_SECONDS, self._wake.set)

    async def run(self) -> None:
        """Connect, serve, and connect again, for ever."""
        failures = 0
        while True:
            reason = StoreUnavailable("the node stops")
            try:
                await self._wire.open()
                await self._greet()
                self._outage.worked()
                failures = 0
                await self._serve()
            except StoreUnavailable as error:
                self._outage.failed(str(error))
                reason = error
            finally:
                await self._give_up(reason)
            await asyncio.sleep(_RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)])
            failures += 1

    async def finish(self) -> None:
        """Wait until nothing is under way and all is given back, if Redis answers. No more asks may come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS):
                while self.connected and (self._waiting or self._sent or self._corrections):
                    self._progress.clear()
                    await self._progress.wait()

    async def _greet(self) -> None:
        """Learn Redis' time before the first decision."""
        self._clock.forget()
        try:
            async with asyncio.timeout(self._silence_seconds):
                for _ in range(_GREETINGS):
                    hello = Batch([], 0, [])
                    await self._send(hello)
                    self._learn(hello, await self._wire.receive(len(hello.commands)))
                    self._sent.clear()
        except TimeoutError:
            raise StoreUnavailable("it does not answer") from None

    async def _serve(self) -> None:
        self._corrections = Corrections(self._correct_soon)
        self.connected = True
        self.tried.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send_batches())
                tasks.create_task(self._receive_batches())
                tasks.create_task(self._watch())
        except BaseExceptionGroup as failures:
            lost, others = failures.split(StoreUnavailable)
            if lost is None or others is not None:
                raise
            raise StoreUnavailable(str(lost.exceptions[0])) from None

    async def _give_up(self, error: StoreUnavailable) -> None:
        self.connected = False
        self.tried.set()
        asks = [*self._waiting, *(ask for batch in self._sent for ask in batch.asks)]
        self._sent.clear()
        self._waiting.clear()
        self._progress.set()
        fail(asks, error)
        await self._wire.close()

    async def _send_batches(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            stamp = self._clock.stamp(monotonic())
            asks = [ask for ask in self._waiting if not ask.answer.done()]
            self._waiting.clear()
            await self._send(Batch(asks, stamp, self._corrections.take_commands(stamp)))

    async def _send(self, batch: Batch) -> None:
        batch.sent = monotonic()
        self._sent.append(batch)
        self._any_sent.set()
        await self._wire.send(batch.commands)

    async def _receive_batches(self) -> None:
        while True:
            await self._any_sent.wait()
            self._any_sent.clear()
            while self._sent:
                batch = self._sent[0]
                self._settle(batch, await self._wire.receive(len(batch.commands)))
                self._sent.popleft()
                self._progress.set()

    def _settle(self, batch: Batch, replies: list[object]) -> None:
        executed = self._learn(batch, replies)
        received = monotonic()
        for ask in batch.settle(replies, executed, received, self._corrections):
            self._counters.store_discarded += 1
            self._enqueue(ask)
        self._counters.store_latency.add(received - batch.sent)
        if batch.fields_ahead:
            self._tell_of_fields_ahead(batch.fields_ahead)

    def _tell_of_fields_ahead(self, count: int) -> None:
        if self._counters.store_fields_ahead == 0:
            logger.warning("counters of the future are in Redis, and ignored: some writer's clock is wrong")
        self._counters.store_fields_ahead += count

    def _learn(self, batch: Batch, replies: list[object]) -> tuple[int, int]:
        executed = batch.executed(replies)
        self._clock.learn(batch.sent, monotonic(), sum(executed) // 2)
        return executed

    async def _watch(self) -> None:
        """Send an empty batch where all is quiet, so that Redis' time stays fresh and its loss is noticed."""
        while True:
            await asyncio.sleep(min(HEARTBEAT_SECONDS, self._silence_seconds) / 4)
            if not self._sent:
                self._wake.set()
            elif monotonic() - self._sent[0].sent > self._silence_seconds:
                raise StoreUnavailable(f"no answer for {self._silence_seconds:g} s")
