"""One decision, whatever Redis does: by Redis within the deadline, else as the settings say."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, Protocol

from gateway.clock import monotonic
from gateway.errors import StoreUnavailable
from gateway.limiter import decision
from gateway.limiter.ask import Ask
from gateway.limiter.decision import Hit, WindowStatus
from gateway.telemetry.counters import Counters

OnStoreFailure = Literal["local", "open", "closed"]
Told = tuple[WindowStatus, ...] | None | StoreUnavailable
"""One status a hit; None where `open` lets the request pass uncounted; or why nobody can say."""

logger = logging.getLogger(__name__)


class Counting(Protocol):
    """Where requests are counted, as by `gateway.limiter.store.Store`."""

    def ask(self, hits: Sequence[Hit], on_answer: Callable[[Ask], None]) -> Ask:
        """Let a request wait for its decision, of which `on_answer` is told."""


class Remembering(Protocol):
    """Where a refusal is remembered, as by `gateway.limiter.cache.Views`."""

    def rejection(self, hits: Sequence[Hit], now: float) -> tuple[WindowStatus, ...] | None:
        """That of a request with these hits, if it has just been given."""


class FallingBack(Protocol):
    """What decides without Redis, as `gateway.limiter.fallback.Fallback` does."""

    def decide(self, hits: Sequence[Hit], nodes: int, now: float) -> tuple[WindowStatus, ...]:
        """About a request at monotonic `now`, as one of `nodes`."""

    def record(
        self, hits: Sequence[Hit], statuses: Sequence[WindowStatus], now: float, *, counted: bool
    ) -> None:
        """Note a request that passed."""


class Limiter:
    """Decides by `store`, from memory where a refusal has just been seen, or by `fallback`."""

    def __init__(
        self,
        store: Counting,
        cache: Remembering,
        fallback: FallingBack,
        counters: Counters,
        *,
        on_failure: OnStoreFailure,
        live_nodes: Callable[[], int],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._views = cache
        self._fallback = fallback
        self._counters = counters
        self._on_failure = on_failure
        self._live_nodes = live_nodes
        self._now = now

    def recall(self, hits: Sequence[Hit]) -> tuple[WindowStatus, ...] | None:
        """The refusal of a request with these hits, where one like it has just been refused."""
        refusal = self._views.rejection(hits, self._now())
        if refusal is not None:
            self._counters.store_remembered += 1
        return refusal

    def ask(
        self, hits: Sequence[Hit], on_decided: Callable[[Told], None]
    ) -> tuple[WindowStatus, ...] | Ask | None:
        """Decide at once where that can be done; else `on_decided` hears of it, unless the `Ask` is left.

        A decision is one status a hit, in order, or None where `open` lets the request pass without
        counting it. The request passes if `decision.admits` says so. If it does not, or if its requester
        leaves, nothing of it stays charged.

        `on_decided` is called once, from where the answer was read. It gets the StoreUnavailable that this
        raises where it is known at once.

        Raises:
            StoreUnavailable: Redis is away, and `closed` lets nobody pass.
        """
        try:
            return self._store.ask(hits, partial(self._answered, on_decided))
        except StoreUnavailable as reason:
            decided = self._without_redis(hits, None, reason)
        if isinstance(decided, StoreUnavailable):
            raise decided
        return decided

    def _answered(self, on_decided: Callable[[Told], None], ask: Ask) -> None:
        if isinstance(ask.answer, StoreUnavailable):
            on_decided(self._without_redis(ask.hits, ask, ask.answer))
        else:
            self._counters.store_decisions += 1
            on_decided(ask.answer)

    def _without_redis(self, hits: Sequence[Hit], ask: Ask | None, reason: StoreUnavailable) -> Told:
        self._counters.store_fallbacks += 1
        logger.debug("decided without Redis (%s): %s", self._on_failure, reason)
        now = self._now()
        statuses = None
        if self._on_failure == "local":
            statuses = self._fallback.decide(hits, self._live_nodes(), now)
        passes = self._on_failure == "open" or (statuses is not None and decision.admits(hits, statuses))
        counted = ask is not None and ask.leave(passed_at=now if passes else None)
        if passes and statuses is not None:
            self._fallback.record(hits, statuses, now, counted=counted)
        return reason if self._on_failure == "closed" else statuses
