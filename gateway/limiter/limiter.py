"""One decision, whatever Redis does: by Redis within the deadline, else as the settings say."""

import asyncio
import logging
from collections.abc import Callable
from typing import Literal

from gateway.clock import monotonic
from gateway.contract import keys
from gateway.contract.limits import Limit
from gateway.errors import StoreUnavailable
from gateway.limiter.batch import Ask
from gateway.limiter.batcher import Batcher
from gateway.limiter.decision import Standing
from gateway.limiter.fallback import LocalWindows
from gateway.telemetry.counters import Counters

OnStoreFailure = Literal["local", "open", "closed"]

_TRIES = 3

logger = logging.getLogger(__name__)


class Limiter:
    """Decides within `deadline_seconds`."""

    def __init__(
        self,
        batcher: Batcher,
        counters: Counters,
        *,
        deadline_seconds: float,
        on_failure: OnStoreFailure,
        live_nodes: Callable[[], int],
    ) -> None:
        self._batcher = batcher
        self._counters = counters
        self._deadline_seconds = deadline_seconds
        self._on_failure = on_failure
        self._live_nodes = live_nodes
        self._local = LocalWindows()

    async def decide(self, client: str, limit: Limit, generation: int) -> Standing | None:
        """Whether one request of `client` may pass; None where `open` lets it pass without having counted it.

        Raises:
            StoreUnavailable: Redis is away, and `closed` lets nobody pass.
        """
        key = keys.window(client, keys.CLIENT_SCOPE, limit.period_seconds, generation)
        ask: Ask | None = None
        reason = ""
        for _ in range(_TRIES):
            try:
                ask = self._batcher.ask(key, limit, monotonic() + 2 * self._deadline_seconds)
                standing = await self._answer(ask)
            except StoreUnavailable as error:
                reason = str(error)
            else:
                if standing is not None:
                    self._counters.store_decisions += 1
                    return standing
                reason = "no answer within the deadline"
            if ask is None or self._batcher.is_stalled or not self._batcher.connected:
                break
            ask.leave(keeps_unit=False)
            ask = None
        return self._without_redis(key, limit, ask, reason)

    async def _answer(self, ask: Ask) -> Standing | None:
        """What Redis said within the deadline; also what it said in time and this process read late."""
        try:
            await asyncio.wait({ask.answer}, timeout=self._deadline_seconds)
            if not ask.answer.done():
                await self._batcher.catch_up()
        except asyncio.CancelledError:
            ask.leave(keeps_unit=False)
            raise
        return ask.answer.result() if ask.answer.done() else None

    def _without_redis(self, key: str, limit: Limit, ask: Ask | None, reason: str) -> Standing | None:
        self._counters.store_fallbacks += 1
        logger.debug("decided without Redis (%s): %s", self._on_failure, reason)
        standing = None
        if self._on_failure == "local":
            standing = self._local.decide(key, limit, self._live_nodes(), monotonic())
        if ask is not None:
            admitted = standing.admitted if standing is not None else self._on_failure == "open"
            ask.leave(keeps_unit=admitted)
        if self._on_failure == "closed":
            raise StoreUnavailable(reason)
        return standing
