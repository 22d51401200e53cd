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
        try:
            ask = self._batcher.ask(key, limit, monotonic() + self._deadline_seconds)
            async with asyncio.timeout(self._deadline_seconds):
                standing = await ask.answer
        except (StoreUnavailable, TimeoutError) as error:
            if ask is None or not _answered(ask):
                return self._without_redis(key, limit, ask, error)
            standing = ask.answer.result()
        except asyncio.CancelledError:
            if ask is not None:
                ask.leave(keeps_unit=False)
            raise
        self._counters.store_decisions += 1
        return standing

    def _without_redis(self, key: str, limit: Limit, ask: Ask | None, error: Exception) -> Standing | None:
        self._counters.store_fallbacks += 1
        logger.debug("decided without Redis (%s): %s", self._on_failure, error)
        standing = None
        if self._on_failure == "local":
            standing = self._local.decide(key, limit, self._live_nodes(), monotonic())
        if ask is not None:
            admitted = standing.admitted if standing is not None else self._on_failure == "open"
            ask.leave(keeps_unit=admitted)
        if self._on_failure == "closed":
            raise StoreUnavailable(str(error) or "no answer within the deadline") from error
        return standing


def _answered(ask: Ask) -> bool:
    """Whether the answer was there in time although the timer fired before the requester could run."""
    return ask.answer.done() and not ask.answer.cancelled() and ask.answer.exception() is None
