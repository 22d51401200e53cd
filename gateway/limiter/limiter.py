"""One decision, whatever Redis does: by Redis within the deadline, else as the settings say."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Literal

from gateway.clock import monotonic
from gateway.errors import StoreUnavailable
from gateway.limiter import decision
from gateway.limiter.ask import Ask
from gateway.limiter.charge import Charge
from gateway.limiter.decision import Standing
from gateway.limiter.fallback import Fallback
from gateway.limiter.store import Store
from gateway.limiter.views import Views
from gateway.telemetry.counters import Counters

OnStoreFailure = Literal["local", "open", "closed"]

logger = logging.getLogger(__name__)


class Limiter:
    """Decides by `store`, from memory where a refusal has just been seen, or by `fallback`."""

    def __init__(
        self,
        store: Store,
        views: Views,
        fallback: Fallback,
        counters: Counters,
        *,
        on_failure: OnStoreFailure,
        live_nodes: Callable[[], int],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._views = views
        self._fallback = fallback
        self._counters = counters
        self._on_failure = on_failure
        self._live_nodes = live_nodes
        self._now = now

    async def decide(self, charges: Sequence[Charge]) -> tuple[Standing, ...] | None:
        """One standing a charge, in order; None where `open` lets the request pass without counting it.

        The request passes if `decision.admits` says so. If it does not, nothing of it stays charged.

        Raises:
            StoreUnavailable: Redis is away, and `closed` lets nobody pass.
        """
        refusal = self._views.refusal(charges, self._now())
        if refusal is not None:
            self._counters.store_remembered += 1
            return refusal
        ask: Ask | None = None
        try:
            ask = self._store.ask(charges)
            standings = await ask.answer
        except StoreUnavailable as reason:
            return self._without_redis(charges, ask, reason)
        except asyncio.CancelledError:
            if ask is not None:
                ask.leave(passed_at=None)
            raise
        self._counters.store_decisions += 1
        return standings

    def _without_redis(
        self, charges: Sequence[Charge], ask: Ask | None, reason: StoreUnavailable
    ) -> tuple[Standing, ...] | None:
        self._counters.store_fallbacks += 1
        logger.debug("decided without Redis (%s): %s", self._on_failure, reason)
        now = self._now()
        standings = None
        if self._on_failure == "local":
            standings = self._fallback.decide(charges, self._live_nodes(), now)
        passes = self._on_failure == "open" or (standings is not None and decision.admits(charges, standings))
        counted = ask is not None and ask.leave(passed_at=now if passes else None)
        if passes and standings is not None:
            self._fallback.enter(charges, standings, now, posted=counted)
        if self._on_failure == "closed":
            raise reason
        return standings
