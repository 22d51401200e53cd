"""What nodes cost Redis beside decisions: records, the roster that each reads, and polls for changes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

from redis.asyncio import Redis

from gateway.clock import RedisClock
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import POLL_SECONDS
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import (
    HISTORY_STREAM,
    TELEMETRY_STREAM,
    LiveChanges,
    RecordStream,
    Reloads,
    TelemetryRecord,
    encode,
    for_history,
)
from gateway.overrides import LiveOverrides
from gateway.telemetry.counters import Counters, Outcome
from gateway.telemetry.publisher import NodeInfo, Publisher, Recorder, Roster
from loadtest import redis_server
from tests.simulation.usage import Usage, usage

REQUESTS = 5000
"""That a node has served when it is looked at: its record is as long as it gets."""
POLLS_A_SECOND = round(1 / POLL_SECONDS)
_TABLE = PolicyTable(parse_limits("100/m"), "accept", "local", {}, {})


@dataclass(frozen=True)
class Upkeep:
    """Of one of so many nodes, in a second."""

    nodes: int
    cpu_us: float
    commands: float
    bytes_in: float
    bytes_out: float
    telemetry_seconds: float
    """For how long Redis has the cluster's records, second by second."""
    history_seconds: float


class _Node:
    """What a node has that tells of it, and hears of changes."""

    def __init__(self, redis: Redis, number: int, random: Random) -> None:
        counters, clock = _busy(random), RedisClock()
        info = NodeInfo(
            f"node-{number}", f"10.0.0.{number}:8080", f"10.0.0.{number}:9080", "0.1.0", _TABLE.digest()
        )
        self.recorder = Recorder(
            info, counters, clock, lambda: 0.001, lambda: True, lambda: "", LiveChanges, Reloads
        )
        self._redis = redis
        self._publisher = Publisher(redis, self.recorder, _TABLE, Roster(redis, info.node_id))
        self._overrides = LiveOverrides(clock)

    async def second(self) -> None:
        """What it asks of Redis in one."""
        await self._publisher.publish()
        for _ in range(POLLS_A_SECOND):
            await self._overrides.refresh(self._redis)


def _busy(random: Random) -> Counters:
    """Counters of a node that has served many clients, with latencies as they spread."""
    counters = Counters()
    for _ in range(REQUESTS):
        counters.count(Outcome.ADMITTED)
        counters.store_decisions += 1
        counters.upstream_answered += 1
        counters.clients.count(f"k_{random.getrandbits(64):016x}", refused=random.random() < 0.1)
        counters.store_latency.add(0.0008 * random.lognormvariate(0, 0.6))
        counters.upstream_latency.add(0.02 * random.lognormvariate(0, 0.7))
        counters.latency.add(0.02 * random.lognormvariate(0, 0.7))
    counters.clients.tick()
    return counters


@asynccontextmanager
async def _cluster(nodes: int) -> AsyncIterator[tuple[Redis, list[_Node]]]:
    async with (
        redis_server.running_beside() as server,
        Redis.from_url(server.url, decode_responses=True) as redis,
    ):
        yield redis, [_Node(redis, number, Random(number)) for number in range(nodes)]


async def measure(nodes: int, rounds: int = 3) -> Upkeep:
    """Seconds of a cluster, one after the other; of the one in which others disturbed Redis least."""
    async with _cluster(nodes) as (redis, members):
        for member in members:  # all are in the roster, and connections are there
            await member.second()
        spent = min([await _round(redis, members) for _ in range(rounds)], key=lambda one: one.cpu_seconds)
        record = members[0].recorder.entry().last
    return Upkeep(
        nodes,
        1e6 * spent.cpu_seconds / nodes,
        spent.commands / nodes,
        spent.bytes_in / nodes,
        spent.bytes_out / nodes,
        _kept_seconds(TELEMETRY_STREAM, record, nodes),
        _kept_seconds(HISTORY_STREAM, for_history(record), nodes),
    )


async def _round(redis: Redis, members: Sequence[_Node]) -> Usage:
    before = await usage(redis)
    for member in members:
        await member.second()
    return await usage(redis) - before


def _kept_seconds(stream: RecordStream, record: TelemetryRecord, nodes: int) -> float:
    return stream.max_entries(len(encode(record)), nodes) * stream.interval_seconds / nodes
