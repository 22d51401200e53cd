"""The load generator's process: ``python -m loadtest.bench.generator FILE`` does the job in the file.

It prints what it found as a line of JSON, and exits 1 with a sentence where an answer was wrong.
"""

import asyncio
import sys
import time
from collections import Counter
from pathlib import Path

import uvloop

from gateway.contract import codec
from loadtest.bench import requests, vitals
from loadtest.bench.connection import Connection
from loadtest.bench.job import Job, Measured

SILENT_SECONDS = 20.0
"""Without an answer for so long, nothing more is waited for."""


TOLERATED = 0.001
"""The share of answers with another status: a bucket that leaks lets one through now and then."""


class Generator:
    """Sends what a job says."""

    def __init__(self, job: Job) -> None:
        """Nothing is sent yet."""
        self._job = job
        self._request = requests.of(job.key_prefix, job.keys, job.path, job.body_bytes)
        self._sent = 0
        self._answered = 0
        self._last = job.warm_up + job.requests
        self._statuses: Counter[bytes] = Counter()
        self._latencies: list[float] = []
        self._begun = (time.perf_counter(), vitals.cpu_ns(job.tested), vitals.cpu_ns(job.redis))
        self._ended = (0.0, 0, 0)
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> Measured:
        """Do the job.

        Raises:
            ValueError: an answer was wrong, missing or late.
        """
        connections = await self._connect()
        started = time.perf_counter()
        for connection in connections:
            self._next(connection, started)
        while not self._end.done():
            before = self._answered
            await asyncio.wait([self._end], timeout=SILENT_SECONDS)
            if self._answered == before and not self._end.done():
                raise ValueError(f"no answer within {SILENT_SECONDS:g} s, after {self._answered:,}")
        self._end.result()
        memory = vitals.rss_bytes(self._job.tested)
        for connection in connections:
            connection.close()
        return self._measured(memory)

    async def _connect(self) -> list[Connection]:
        loop = asyncio.get_running_loop()
        ports = self._job.ports

        def new() -> Connection:
            return Connection(self._answer, self._lost)

        return [
            (await loop.create_connection(new, "127.0.0.1", ports[number % len(ports)]))[1]
            for number in range(self._job.connections)
        ]

    def _next(self, connection: Connection, now: float) -> None:
        connection.send(self._request(self._sent), now)
        self._sent += 1

    def _answer(self, connection: Connection, status: bytes, since: float) -> None:
        if self._end.done():
            return
        now = time.perf_counter()
        self._latencies.append(now - since)
        self._statuses[status] += 1
        self._answered += 1
        if self._answered == self._job.warm_up:
            self._statuses.clear()
            self._begun = self._reading(now)
        if self._answered == self._last:
            self._ended = self._reading(now)
            self._end.set_result(None)
        else:
            self._next(connection, now)

    def _lost(self) -> None:
        if not self._end.done():
            self._end.set_exception(ValueError(f"a connection was closed, after {self._answered:,} answers"))

    def _reading(self, now: float) -> tuple[float, int, int]:
        return now, vitals.cpu_ns(self._job.tested), vitals.cpu_ns(self._job.redis)

    def _measured(self, memory: int) -> Measured:
        job = self._job
        statuses = {status.decode(): count for status, count in self._statuses.items()}
        wrong = job.requests - statuses.get(str(job.status), 0)
        if job.status and wrong > job.requests * TOLERATED:
            raise ValueError(f"not all answers were {job.status}: {statuses}")
        seconds, tested, redis = (end - begin for end, begin in zip(self._ended, self._begun, strict=True))
        latencies = sorted(self._latencies[job.warm_up : self._last])
        return Measured(
            requests=job.requests,
            seconds=seconds,
            tested_cpu_ns=int(tested),
            redis_cpu_ns=int(redis),
            tested_rss_bytes=memory,
            p50_ms=1000 * latencies[len(latencies) // 2],
            p99_ms=1000 * latencies[len(latencies) * 99 // 100],
            statuses=statuses,
        )


async def main(job: Job) -> int:
    """Do the job, and return the exit code."""
    try:
        measured = await Generator(job).run()
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - read by whoever started this
        return 1
    print(codec.encode(measured), flush=True)  # noqa: T201 - as above
    return 0


if __name__ == "__main__":
    sys.exit(uvloop.run(main(codec.decode(Job, Path(sys.argv[1]).read_text()))))
