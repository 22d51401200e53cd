"""Decisions without Redis: the same window in this process' memory, over the node's share of the limit."""

from collections import OrderedDict

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.contract.window import MICROSECONDS
from gateway.limiter import decision
from gateway.limiter.decision import Standing

MAX_CLIENTS = 50_000


class LocalWindows:
    """Counts in memory, `MAX_CLIENTS` windows at most; beyond that the longest unused is forgotten."""

    def __init__(self) -> None:
        self._counters: OrderedDict[str, dict[int, int]] = OrderedDict()

    def decide(self, key: str, limit: Limit, nodes: int, now: float) -> Standing:
        """Admit within the share N / `nodes` (rounded down, at least 1) at monotonic second `now`."""
        share = Limit(max(1, limit.quota // nodes), limit.period_seconds)
        at = int(now * MICROSECONDS)
        counters = self._counters.setdefault(key, {})
        self._counters.move_to_end(key)
        if len(self._counters) > MAX_CLIENTS:
            self._counters.popitem(last=False)
        expired, _ = decision.stray(counters, at, limit.period_seconds)
        for number in expired:
            del counters[number]
        number = window.sub_interval(at, limit.period_seconds)
        after = counters.get(number, 0) + 1
        (standing,) = decision.decide(decision.read(at, limit.period_seconds, 1, after, counters), [share])
        if standing.admitted:
            counters[number] = after
        return standing
