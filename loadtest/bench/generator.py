"""The load generator's process: ``python -m loadtest.bench.generator FILE`` does the job in the file.

It prints what it found as a line of JSON, and exits 1 with a sentence where an answer was wrong or missing.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from gateway.contract.records import decode, encode
from loadtest.bench import requests, vitals
from loadtest.bench.connection import Connection, OnAnswer
from loadtest.bench.job import Job, Measured
from loadtest.bench.loops import ClosedLoop, OpenLoop
from loadtest.bench.tally import Tally

SILENT_SECONDS = 20.0
"""Without an answer for so long, nothing more is waited for."""

SETTLE_SECONDS = 0.5


async def measured(job: Job) -> Measured:
    """Do the job.

    Raises:
        ValueError: an answer was wrong, missing or late.
    """
    tally = Tally(job)
    request = requests.of(job.key_prefix, job.keys, job.path, job.body_bytes)
    loop = (
        OpenLoop(tally, request, job.rate_per_second) if job.rate_per_second else ClosedLoop(tally, request)
    )
    async with _connections(job, job.connections, tally, loop.answered) as connections:
        loop.start(connections)
        try:
            await _answered(tally, tally.end)
        finally:
            loop.stop()
        await _answered(tally, tally.rest)
        rss_bytes = vitals.rss_bytes(job.tested)
        held_bytes = await _held_bytes(job, rss_bytes) if job.held_connections else 0
    return tally.measured(rss_bytes, held_bytes)


async def _answered(tally: Tally, awaited: asyncio.Future[None]) -> None:
    while not awaited.done():
        before = tally.answers
        await asyncio.wait([awaited], timeout=SILENT_SECONDS)
        if tally.answers == before and not awaited.done():
            raise ValueError(f"no answer within {SILENT_SECONDS:g} s, after {tally.answers:,}")
    awaited.result()


async def _held_bytes(job: Job, rss_bytes: int) -> int:
    """What further connections add, of which each got an answer in its turn and has been silent since."""
    tally = Tally(Job(job.ports, (), (), job.key_prefix, warm_up=0, requests=job.held_connections))
    request = requests.of(job.key_prefix, job.keys)

    def ask() -> None:
        held[tally.sent].send(request(tally.sent), 0.0)
        tally.sent += 1

    def answered(_connection: Connection, status: bytes, since: float) -> None:
        tally.count(status, since)
        if tally.sent < len(held):
            ask()

    async with _connections(job, job.held_connections, tally, answered) as held:
        ask()
        await _answered(tally, tally.end)
        tally.check()
        await asyncio.sleep(SETTLE_SECONDS)
        return vitals.rss_bytes(job.tested) - rss_bytes


@asynccontextmanager
async def _connections(
    job: Job, count: int, tally: Tally, on_answer: OnAnswer
) -> AsyncIterator[list[Connection]]:
    loop = asyncio.get_running_loop()

    def new() -> Connection:
        return Connection(on_answer, tally.lose)

    connections: list[Connection] = []
    try:
        for number in range(count):
            port = job.ports[number % len(job.ports)]
            connections.append((await loop.create_connection(new, "127.0.0.1", port))[1])
        yield connections
    finally:
        for connection in connections:
            connection.close()


async def main(job: Job) -> int:
    """Do the job, and return the exit code."""
    try:
        found = await measured(job)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - read by whoever started this
        return 1
    print(encode(found), flush=True)  # noqa: T201 - as above
    return 0


if __name__ == "__main__":
    sys.exit(uvloop.run(main(decode(Job, Path(sys.argv[1]).read_text()))))
