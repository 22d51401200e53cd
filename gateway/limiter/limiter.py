"""One decision, whatever Redis does: by Redis within the deadline, else as the settings say."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, Protocol

from gateway.clock import monotonic
from gateway.errors import StoreUnavailable
from gateway.limiter import decision
from gateway.limiter.batch import PendingCheck
from gateway.limiter.decision import Hit, WindowStatus
from gateway.telemetry.counters import Counters

OnStoreFailure = Literal["local", "open", "closed"]
LimiterResult = tuple[WindowStatus, ...] | None | StoreUnavailable
"""One status for each hit; None if `open` admits the request uncounted; or why there is no decision."""

logger = logging.getLogger(__name__)


# Protocols, since compiled code accepts no stand-in for a compiled class: tests script all three.


class CheckStore(Protocol):
    """`gateway.limiter.store.Store`."""

    def check(self, hits: Sequence[Hit], on_result: Callable[[PendingCheck], None]) -> PendingCheck:
        """Enqueue a check."""


class RejectionCache(Protocol):
    """`gateway.limiter.window_cache.WindowCache`."""

    def rejection(self, hits: Sequence[Hit], now: float) -> tuple[WindowStatus, ...] | None:
        """A recent rejection of the same hits."""


class LocalDecider(Protocol):
    """`gateway.limiter.fallback.Fallback`."""

    def decide(self, hits: Sequence[Hit], nodes: int, now: float) -> tuple[WindowStatus, ...]:
        """Decide as one of `nodes`."""

    def record(
        self, hits: Sequence[Hit], statuses: Sequence[WindowStatus], now: float, *, counted: bool
    ) -> None:
        """Record a request that passed."""


class Limiter:
    """Decides from the cache after a recent rejection, else by `store`, else by `fallback`."""

    def __init__(
        self,
        store: CheckStore,
        cache: RejectionCache,
        fallback: LocalDecider,
        counters: Counters,
        *,
        on_failure: OnStoreFailure,
        live_nodes: Callable[[], int],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._cache = cache
        self._fallback = fallback
        self._counters = counters
        self._on_failure = on_failure
        self._live_nodes = live_nodes
        self._now = now

    def recall(self, hits: Sequence[Hit]) -> tuple[WindowStatus, ...] | None:
        """A recent rejection of the same hits."""
        rejection = self._cache.rejection(hits, self._now())
        if rejection is not None:
            self._counters.store_remembered += 1
        return rejection

    def check(
        self, hits: Sequence[Hit], on_result: Callable[[LimiterResult], None]
    ) -> tuple[WindowStatus, ...] | PendingCheck | None:
        """Decide at once if that is possible; else `on_result` is called, unless the check is cancelled.

        A decision is one status for each hit, in order, or None if `open` admits the request uncounted. The
        request passes if `decision.admits` says so. If it does not, or if it is cancelled, all of its units
        are refunded. `on_result` is called once, from where the reply was read.

        Raises:
            StoreUnavailable: Redis is not available, and `closed` admits no request.
        """
        try:
            return self._store.check(hits, partial(self._on_checked, on_result))
        except StoreUnavailable as reason:
            result = self._without_redis(hits, None, reason)
        if isinstance(result, StoreUnavailable):
            raise result
        return result

    def _on_checked(self, on_result: Callable[[LimiterResult], None], check: PendingCheck) -> None:
        if isinstance(check.result, StoreUnavailable):
            on_result(self._without_redis(check.hits, check, check.result))
        else:
            self._counters.store_decisions += 1
            on_result(check.result)

    def _without_redis(
        self, hits: Sequence[Hit], check: PendingCheck | None, reason: StoreUnavailable
    ) -> LimiterResult:
        self._counters.store_fallbacks += 1
        logger.debug("decided without Redis (%s): %s", self._on_failure, reason)
        now = self._now()
        statuses = None
        if self._on_failure == "local":
            statuses = self._fallback.decide(hits, self._live_nodes(), now)
        passes = self._on_failure == "open" or (statuses is not None and decision.admits(hits, statuses))
        counted = check is not None and check.cancel(admitted_at=now if passes else None)
        if passes and statuses is not None:
            self._fallback.record(hits, statuses, now, counted=counted)
        return reason if self._on_failure == "closed" else statuses
