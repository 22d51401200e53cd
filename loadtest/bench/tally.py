"""The answers of a job, counted."""

import asyncio
import time
from collections import Counter

from loadtest.bench import vitals
from loadtest.bench.job import Job, Measured

TOLERATED = 0.001
"""The share of answers with another status: a bucket that leaks lets one through now and then."""


class Tally:
    """Counts requests and answers. `end` is set when all that is measured is there, and `rest` when what was
    on its way then is answered too."""

    def __init__(self, job: Job) -> None:
        """Nothing has come yet."""
        self._job = job
        self._last = job.warm_up + job.requests
        self._statuses: Counter[bytes] = Counter()
        self._latencies: list[float] = []
        self._begun = self._reading()
        self._ended = self._begun
        self.sent = 0
        self.answers = 0
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.rest: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def count(self, status: bytes, since: float) -> float:
        """Count an answer to a request of that time; the time now."""
        now = time.perf_counter()
        self.answers += 1
        if self.answers <= self._last:
            self._latencies.append(now - since)
            self._statuses[status] += 1
        if self.answers == self._job.warm_up:
            self._statuses.clear()
            self._begun = self._reading()
        if self.answers == self._last:
            self._ended = self._reading()
            self.end.set_result(None)
        if self.answers == self.sent >= self._last:
            self.rest.set_result(None)
        return now

    def lose(self) -> None:
        """A connection was closed by the other side."""
        awaited = self.rest if self.end.done() else self.end
        if not awaited.done():
            awaited.set_exception(ValueError(f"a connection was closed, after {self.answers:,} answers"))

    def check(self) -> dict[str, int]:
        """The statuses of the answers.

        Raises:
            ValueError: they are not what they should be.
        """
        job = self._job
        statuses = {status.decode(): count for status, count in self._statuses.items()}
        wrong = job.requests - statuses.get(str(job.status), 0)
        if job.status and wrong > job.requests * TOLERATED:
            raise ValueError(f"not all answers were {job.status}: {statuses}")
        return statuses

    def _reading(self) -> tuple[float, int, int]:
        return time.perf_counter(), vitals.cpu_ns(self._job.tested), vitals.cpu_ns(self._job.redis)

    def measured(self, rss_bytes: int, held_bytes: int) -> Measured:
        """What was found, once all is there.

        Raises:
            ValueError: answers were wrong.
        """
        job = self._job
        statuses = self.check()
        seconds, tested, redis = (end - begin for end, begin in zip(self._ended, self._begun, strict=True))
        latencies = sorted(self._latencies[job.warm_up : self._last])
        return Measured(
            requests=job.requests,
            sent=self.sent + job.held_connections,
            seconds=seconds,
            tested_cpu_ns=int(tested),
            redis_cpu_ns=int(redis),
            rss_bytes=rss_bytes,
            held_bytes=held_bytes,
            p50_ms=1000 * latencies[len(latencies) // 2],
            p99_ms=1000 * latencies[len(latencies) * 99 // 100],
            statuses=statuses,
        )
