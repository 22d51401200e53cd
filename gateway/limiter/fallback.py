"""Decisions without Redis: from its last cached of the window, by the node's share of what is free.

With N the quota, k the live nodes and V what still counts of the last cached, this node admits (N − V)/k by
itself. Where traffic is spread evenly the nodes' cache are alike, and together they admit what was free. A
client that only one node has seen gets N there and N/k at each other: (2 − 1/k)·N.
"""

from collections.abc import Sequence

from gateway.clock import RedisClock
from gateway.contract.window import MICROSECONDS
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.ledger import Ledger
from gateway.limiter.window_cache import WindowCache


class Fallback:
    """Enters what it admits into the ledger."""

    def __init__(self, cache: WindowCache, ledger: Ledger, clock: RedisClock) -> None:
        self._views = cache
        self._ledger = ledger
        self._clock = clock

    def decide(self, hits: Sequence[Hit], nodes: int, now: float) -> tuple[WindowStatus, ...]:
        """Decide about a request at monotonic `now`, as one of `nodes`; nothing is entered yet."""
        return tuple(self._standing(hit, nodes, now) for hit in hits)

    def enter(
        self, hits: Sequence[Hit], statuses: Sequence[WindowStatus], now: float, *, posted: bool
    ) -> None:
        """Note a request that passed; `posted` where Redis has counted it, or perhaps will."""
        for hit, status in zip(hits, statuses, strict=True):
            if status.admitted:
                self._ledger.enter(hit, now, posted=posted)

    def _standing(self, hit: Hit, nodes: int, now: float) -> WindowStatus:
        quota, cost = hit.limit.quota, hit.cost
        at = self._clock.time(now)
        cached = self._views.get(hit.key)
        seen = 0 if cached is None else cached.total(at)
        own = self._ledger.total(hit.key, now)
        share = max(0, quota - seen) // nodes
        # A share is never nothing: where it is too small for one request, one is let through nevertheless.
        admitted = own + cost <= share or (own == 0 and seen + cost <= quota and quota // nodes < cost)
        rest = max(0, share - own - (cost if admitted else 0))
        waits = [self._ledger.frees_in(hit.key, now)]
        if cached is not None:
            waits.append((cached.leaves_at(at, 1) - at) / MICROSECONDS)
        known = [wait for wait in waits if wait is not None]
        return WindowStatus(admitted, rest, max(0.0, min(known, default=float(hit.limit.period_seconds))))
