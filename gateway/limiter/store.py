"""Redis as the store of counters: one connection at a time, kept, watched, and replaced when it is lost."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from gateway.clock import RedisClock, monotonic
from gateway.errors import StoreUnavailable
from gateway.limiter.ask import Ask
from gateway.limiter.batcher import POSTED_WITH_A_BATCH, POSTINGS_AT_ONCE, Batcher, Shared
from gateway.limiter.connection import is_key_error, not_counted
from gateway.limiter.decision import Hit
from gateway.limiter.fallback import Backlog
from gateway.limiter.guard import Guard
from gateway.limiter.window_cache import WindowCache
from gateway.redis_endpoint import CONNECT_SECONDS, Endpoint
from gateway.telemetry.counters import Counters

HEARTBEAT_SECONDS = 0.25
PROBE_SECONDS = 0.025
FINISH_SECONDS = 1.0
_TIME_SAMPLES = 3
_RECONNECT_SECONDS = (0.05, 0.1, 0.2, 0.4)
_PROVED_SECONDS = 1.0


class Store:
    """Run `run` as a task; then `ask` gives a place in the next pipeline.

    `tried` is set when it is known for the first time whether Redis is there.
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
        """A decision waits for `deadline_seconds`; after `silence_seconds` the connection is given up."""
        self._endpoint = endpoint
        self._clock = clock
        self._views = cache
        self._backlog = backlog
        self._silence_seconds = silence_seconds
        self._now = now
        self._guard = Guard(counters, now)
        self._guard.on_open(self._probe_soon)
        self._shared = Shared(clock, counters, cache, backlog, self._guard, deadline_seconds, now)
        self._serving: Batcher | None = None
        self._proved_at = 0.0
        self._probing = False
        self.tried = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether Redis decides now: it is there, and answers in time."""
        return self._serving is not None and self._guard.is_closed

    @property
    def trouble(self) -> str:
        """What is wrong with it, in words; empty where nothing is."""
        return self._guard.trouble

    def ask(self, hits: Sequence[Hit], on_answer: Callable[[Ask], None]) -> Ask:
        """Let a request wait for its decision, of which `on_answer` is told.

        Raises:
            StoreUnavailable: Redis is away at the moment, or too slow.
        """
        if self._serving is None:
            raise StoreUnavailable("not connected to Redis")
        if not self._guard.is_closed:
            raise StoreUnavailable("Redis did not answer in time")
        return self._serving.ask(hits, on_answer)

    async def run(self) -> None:
        """Connect, serve, and connect again, for ever."""
        while True:
            batcher = Batcher(self._shared)
            try:
                await self._open(batcher)
                await self._serve(batcher)
            except StoreUnavailable as error:
                self._guard.lost(error)
                batcher.fail(error)
            finally:
                self._serving = None
                batcher.fail(StoreUnavailable("the node stops"))
                batcher.write_off()
                self.tried.set()
            await asyncio.sleep(_RECONNECT_SECONDS[min(self._guard.losses, len(_RECONNECT_SECONDS)) - 1])

    async def finish(self) -> None:
        """Wait until nothing is under way and all is in Redis, if that answers. No more asks may come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS):
                while self._serving is not None and self._serving.has_work:
                    self._serving.flush_soon()
                    await _progress(self._serving)

    async def _open(self, batcher: Batcher) -> None:
        """Before the first decision learn Redis' time, and post what was admitted without it."""
        self._clock.forget()
        self._views.expire_all(self._now())
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await batcher.open(self._endpoint)
                for _ in range(_TIME_SAMPLES):
                    await self._round_trip(batcher)
            while self._backlog.pending > POSTED_WITH_A_BATCH:
                async with asyncio.timeout(self._silence_seconds):
                    await self._round_trip(batcher, posts=True)
        except TimeoutError:
            raise StoreUnavailable("it does not answer") from None

    async def _round_trip(self, batcher: Batcher, *, posts: bool = False) -> None:
        batch = batcher.send([], self._backlog.take(self._now(), POSTINGS_AT_ONCE) if posts else [])
        while batcher.in_flight and not batcher.lost.done():
            await _progress(batcher)
        if batcher.lost.done():
            raise batcher.lost.result()
        if batch.refusal is not None and not is_key_error(str(batch.refusal)):
            raise not_counted(batch.refusal)

    async def _serve(self, batcher: Batcher) -> None:
        self._serving = batcher
        batcher.serves = True
        self._proved_at = self._now() + _PROVED_SECONDS
        self.tried.set()
        if not self._guard.is_closed:
            self._probe_soon()
        while not batcher.lost.done():
            await asyncio.wait({batcher.lost}, timeout=min(HEARTBEAT_SECONDS, self._silence_seconds / 4))
            self._beat(batcher)
        raise batcher.lost.result()

    def _beat(self, batcher: Batcher) -> None:
        """Send an empty batch where all is quiet, so that Redis' time stays fresh and its loss is noticed."""
        now = self._now()
        if not batcher.in_flight:
            batcher.flush()
        elif now - batcher.in_flight[0].sent > self._silence_seconds:
            batcher.fail(StoreUnavailable(f"no answer for {self._silence_seconds:g} s"))
        if self._guard.is_closed and now > self._proved_at:
            self._guard.proved(by_count=False)

    def _probe_soon(self) -> None:
        if not self._probing:
            self._probing = True
            asyncio.get_running_loop().call_later(PROBE_SECONDS, self._probe)

    def _probe(self) -> None:
        """While the breaker is open, ask for the time again and again."""
        self._probing = False
        if self._serving is not None and not self._guard.is_closed:
            if not self._serving.in_flight:
                self._serving.flush()
            self._probe_soon()


async def _progress(batcher: Batcher) -> None:
    batcher.progress.clear()
    await batcher.progress.wait()
