"""A cluster as Redis holds it: its last hour at once, and then what each node writes in each second.

It is a process of its own, which says that the past is written and goes on until it is ended, so that what it
costs is no part of what is measured. Of the hour the last ten minutes are kept by the second, and the history
of those before is that of the same ten minutes, as earlier boots.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import islice

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from gateway.contract import keys, window
from gateway.contract.limits import parse_limits
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import (
    HISTORY_STREAM,
    STREAM_FIELD,
    TELEMETRY_STREAM,
    TelemetryRecord,
    encode,
    for_history,
)
from tests.unit.subject.builders import START, entry, policies
from tests.unit.subject.simulation import Life

REQUESTS_PER_NODE = 40
DEFAULT = "6000/m"
ACTIVE = 100
"""So many clients have something in their windows at all times."""
PAST_SECONDS = TELEMETRY_STREAM.seconds
HOUR_SECONDS = 3600
LONGEST_SECONDS = 3600
"""It ends by itself after that."""
READY = "the past is written"
PAGE = 500
PATIENCE_SECONDS = 60.0

Second = list[TelemetryRecord]
"""What all nodes wrote in it."""


def life(nodes: int, clients: int) -> Life:
    """Nodes that share their clients' requests evenly."""
    names = tuple(f"client-{number}" for number in range(clients))
    rate = REQUESTS_PER_NODE * nodes
    return Life(lambda _: rate, clients=names, known=names, weights=(1.0,) * nodes)


def seconds_of(cluster: Life) -> Iterator[Second]:
    """Second by second, from `START` on."""
    nodes = len(cluster.weights)
    for _, records, _ in cluster.telemetry(PAST_SECONDS + LONGEST_SECONDS, seed=1):
        yield list(islice(reversed(records), nodes))[::-1]


def moved(record: TelemetryRecord, later: float) -> TelemetryRecord:
    """The same at another time."""
    return replace(record, at=record.at + later, started_at=record.started_at + later)


def earlier_boots(records: Sequence[TelemetryRecord]) -> list[TelemetryRecord]:
    """What the history holds of the hour before these records: the same again and again."""
    return [
        replace(moved(one, -PAST_SECONDS * times), boot_id=f"boot-before-{times}")
        for times in range(HOUR_SECONDS // PAST_SECONDS, 0, -1)
        for one in records
        if HISTORY_STREAM.includes(one.sequence)
    ]


async def write_past(redis: Redis, records: Sequence[TelemetryRecord], table: PolicyTable) -> None:
    """Under the ids that the streams' entries would have had."""
    await redis.set(keys.policy_table(table.digest()), encode(table))
    history = [*earlier_boots(records), *(one for one in records if HISTORY_STREAM.includes(one.sequence))]
    for key, of_it in ((keys.TELEMETRY, records), (keys.HISTORY, history)):
        for start in range(0, len(of_it), PAGE):
            async with redis.pipeline(transaction=False) as pipe:
                for one in of_it[start : start + PAGE]:
                    kept = for_history(one) if key == keys.HISTORY else one
                    pipe.xadd(key, {STREAM_FIELD: encode(kept)}, id=f"{int(1000 * one.at)}-*")
                await pipe.execute()


def add(pipe: Pipeline, record: TelemetryRecord, digest: str) -> None:
    """As a node writes it."""
    pipe.xadd(keys.TELEMETRY, {STREAM_FIELD: encode(record)})
    if HISTORY_STREAM.includes(record.sequence):
        pipe.xadd(keys.HISTORY, {STREAM_FIELD: encode(for_history(record))})
    pipe.hset(keys.NODES, record.node_id, encode(entry(record, digest)))


def count(pipe: Pipeline, at: float) -> None:
    """A second of the windows of those who are always active, with what leaves them."""
    (limit,) = parse_limits(DEFAULT).windows
    now = window.sub_interval(round(at * window.MICROSECONDS), limit.period_seconds)
    for number in range(ACTIVE):
        key = keys.window(f"client-{number}", keys.CLIENT_SCOPE, limit.period_seconds, 0)
        pipe.hset(key, str(now), str(1 + ACTIVE - number))
        pipe.hdel(key, str(now - window.SUB_INTERVALS - 6))


async def run(redis_url: str, nodes: int, clients: int) -> None:
    """Write the past, say so, and go on."""
    table = policies(DEFAULT).table
    assert table is not None
    digest = table.digest()
    seconds = seconds_of(life(nodes, clients))
    past = [one for second in islice(seconds, PAST_SECONDS) for one in second]
    async with Redis.from_url(redis_url, socket_timeout=PATIENCE_SECONDS) as redis:
        later = time.time() - START - PAST_SECONDS
        await write_past(redis, [moved(one, later) for one in past], table)
        async with redis.pipeline(transaction=False) as pipe:
            for age in range(window.SUB_INTERVALS, -1, -1):
                count(pipe, time.time() - age)
            await pipe.execute()
        ready = False
        for second in seconds:
            for one in second:
                ahead = one.at + later - time.time()
                if ahead > 0 and not ready:  # it has caught up with what went by meanwhile
                    ready = True
                    sys.stdout.write(READY + "\n")
                    sys.stdout.flush()
                await asyncio.sleep(ahead)
                async with redis.pipeline(transaction=False) as pipe:
                    add(pipe, moved(one, later), digest)
                    await pipe.execute()
            async with redis.pipeline(transaction=False) as pipe:
                count(pipe, time.time())
                await pipe.execute()


@asynccontextmanager
async def living(redis_url: str, nodes: int, clients: int) -> AsyncIterator[None]:
    """The cluster lives while the context lasts."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.operator.cluster", redis_url, str(nodes), str(clients)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode().strip()
        if line != READY:
            raise RuntimeError(f"the cluster did not come to life: {line}")
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def main() -> None:
    """The command line, for `living`."""
    parser = argparse.ArgumentParser(prog="python -m tests.operator.cluster", description=__doc__)
    parser.add_argument("redis_url")
    parser.add_argument("nodes", type=int)
    parser.add_argument("clients", type=int)
    asked = parser.parse_args()
    asyncio.run(run(asked.redis_url, asked.nodes, asked.clients))


if __name__ == "__main__":
    main()
