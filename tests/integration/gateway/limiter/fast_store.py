"""The product's own batches on a real Redis, at times that the caller names."""

from collections.abc import Sequence

from gateway.contract import window
from gateway.limiter import fallback
from gateway.limiter.batch import Batch, PendingCheck, Refunds
from gateway.limiter.decision import Hit
from gateway.limiter.fallback import BackfillEntry
from gateway.limiter.frame import pack
from gateway.limiter.window_cache import WindowCache
from tests.integration.gateway.limiter.plain_store import Answers, Requests
from tests.raw_redis import RawRedis

NODES = 2


class FastStore:
    """Two nodes, each with what it knows of the windows; what goes back goes at once."""

    def __init__(self, port: int, database: int) -> None:
        self._redis = RawRedis(port)
        self._caches = [WindowCache() for _ in range(NODES)]
        self._corrections = [Refunds(lambda: None) for _ in range(NODES)]
        self._asks: dict[int, list[PendingCheck]] = {}
        self._redis.call(pack(("SELECT", database)), 1)

    def decide(self, requests: Requests, at: int, node: int = 0) -> Answers:
        """Decide about requests that came together, executed at Redis microsecond `at`."""
        checks = [PendingCheck(hits, at / window.MICROSECONDS, None) for hits in requests]
        self._send(checks, at, node)
        self._asks[at] = checks
        answers = []
        for check in checks:
            assert isinstance(check.result, tuple)
            answers.append(check.result)
        return answers

    def _send(
        self, checks: list[PendingCheck], at: int, node: int, backfill: Sequence[BackfillEntry] = ()
    ) -> None:
        """Until every check is decided."""
        cache, corrections, now = self._caches[node], self._corrections[node], at / window.MICROSECONDS
        for entry in backfill:
            cache.expire(entry.key, now)
        before = fallback.backfill_commands(backfill, lambda now: int(now * window.MICROSECONDS), at)
        again = checks
        while again or before or corrections:
            sent, refunds = corrections.take(at)
            batch = Batch(again, at, now, cache, before=before + sent, backfill=backfill, refunds=refunds)
            replies = self._redis.call(batch.data, batch.replies)
            again = batch.settle(replies, (at, at), 0.0, cache, corrections)
            before, backfill = [], ()

    def leave(self, at: int, place: int, node: int = 0) -> None:
        """Give back what a request took that was decided about at `at`."""
        self._asks[at][place].cancel()
        self._send([], at, node)

    def post(self, hit: Hit, passed_at: int, at: int, node: int = 0) -> None:
        """Tell of a request that a node let through by itself at `passed_at`."""
        self._send([], at, node, [BackfillEntry.of(hit, passed_at / window.MICROSECONDS)])

    def close(self) -> None:
        """End the connection."""
        self._redis.close()
