"""Decisions without Redis: from its last view of the window, by the node's share of what is free.

With N the quota, k the live nodes and V what still counts of the last view, this node admits (N − V)/k by
itself. Where traffic is spread evenly the nodes' views are alike, and together they admit what was free. A
client that only one node has seen gets N there and N/k at each other: (2 − 1/k)·N.
"""

from collections.abc import Sequence

from gateway.clock import RedisClock
from gateway.contract.window import MICROSECONDS
from gateway.limiter.charge import Charge
from gateway.limiter.decision import Standing
from gateway.limiter.ledger import Ledger
from gateway.limiter.views import Views


class Fallback:
    """Enters what it admits into the ledger."""

    def __init__(self, views: Views, ledger: Ledger, clock: RedisClock) -> None:
        self._views = views
        self._ledger = ledger
        self._clock = clock

    def decide(self, charges: Sequence[Charge], nodes: int, now: float) -> tuple[Standing, ...]:
        """Decide about a request at monotonic `now`, as one of `nodes`; nothing is entered yet."""
        return tuple(self._standing(charge, nodes, now) for charge in charges)

    def enter(
        self, charges: Sequence[Charge], standings: Sequence[Standing], now: float, *, posted: bool
    ) -> None:
        """Note a request that passed; `posted` where Redis has counted it, or perhaps will."""
        for charge, standing in zip(charges, standings, strict=True):
            if standing.admitted:
                self._ledger.enter(charge, now, posted=posted)

    def _standing(self, charge: Charge, nodes: int, now: float) -> Standing:
        quota, cost = charge.limit.quota, charge.cost
        at = self._clock.time(now)
        view = self._views.get(charge.key)
        seen = 0 if view is None else view.total(at)
        own = self._ledger.total(charge.key, now)
        share = max(0, quota - seen) // nodes
        # A share is never nothing: where it is too small for one request, one is let through nevertheless.
        admitted = own + cost <= share or (own == 0 and seen + cost <= quota and quota // nodes < cost)
        rest = max(0, share - own - (cost if admitted else 0))
        waits = [self._ledger.frees_in(charge.key, now)]
        if view is not None:
            waits.append((view.leaves_at(at, 1) - at) / MICROSECONDS)
        known = [wait for wait in waits if wait is not None]
        return Standing(admitted, rest, max(0.0, min(known, default=float(charge.limit.period_seconds))))
