"""What keys that are seen once cost: bytes in Redis, memory and processor time of a node.

Rounds of new keys and of a thousand known ones take turns, so that both meet the same machine.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Protocol

from redis.asyncio import Redis

from gateway.contract import client_id, keys
from gateway.contract.limits import Limit
from gateway.telemetry import process
from tests.integration.gateway.limiter.node import LimiterNode, decide, limiter_node
from tests.integration.gateway.processes import NodeProcess, node_process
from tests.scale import crowd

LIMIT = Limit(100_000, 3600)
"""For an hour, so that no key expires in between."""

KNOWN = [f"known-{number}" for number in range(1000)]
ROUNDS = 20
_AT_ONCE = 200
_SAMPLE = 200


@dataclass(frozen=True)
class Cost:
    """Processor time in microseconds a request, of a round."""

    keys: int
    redis_bytes_per_key: float
    memory_usage_bytes: float
    rss_growth_bytes: int
    new_us: Sequence[float]
    known_us: Sequence[float]

    @property
    def cpu_ratio(self) -> float:
        """Of the medians: a request with a new key, to one with a known key."""
        return median(self.new_us) / median(self.known_us)


class Node(Protocol):
    """What is measured."""

    async def serve(self, clients: Iterable[str]) -> None:
        """One request of each, all admitted."""

    async def usage(self) -> tuple[float, int]:
        """Seconds of processor time so far, and resident bytes."""


class OverHttp:
    """A process, asked by the clients' API keys."""

    def __init__(self, node: NodeProcess) -> None:
        self._node = node

    async def serve(self, clients: Iterable[str]) -> None:
        """As `Node` says."""
        statuses = await crowd.call(self._node.port, clients)
        assert statuses.keys() == {200}, statuses

    async def usage(self) -> tuple[float, int]:
        """As the node says of itself."""
        record = await self._node.record()
        return record.cpu_seconds, record.rss_bytes


class InProcess:
    """A limiter alone, with what it takes to call it."""

    def __init__(self, node: LimiterNode) -> None:
        self.node = node

    async def serve(self, clients: Iterable[str]) -> None:
        """As `Node` says."""
        left = iter(clients)
        while some := list(islice(left, _AT_ONCE)):
            ids = [client_id.unknown_client_id(client, "") for client in some]
            statuses = await asyncio.gather(*(decide(self.node.limiter, each, LIMIT) for each in ids))
            assert all(status is not None and status.admitted for status in statuses)

    async def usage(self) -> tuple[float, int]:
        """Of this process."""
        return time.process_time(), process.rss_bytes()


@asynccontextmanager
async def over_http(redis_url: str) -> AsyncIterator[OverHttp]:
    """A node process in front of a service that costs little."""
    settings = {
        "REDIS_URL": redis_url,
        "NODE_ID": "node-1",
        "GATEWAY_DEFAULT_LIMIT": str(LIMIT),
        "GATEWAY_STORE_DEADLINE": "5",
    }
    with tempfile.TemporaryDirectory(prefix="ratelimiter-scale-") as folder:
        async with (
            crowd.service() as service,
            node_process(Path(folder), **settings, GATEWAY_UPSTREAM_URL=service) as node,
        ):
            yield OverHttp(node)


@asynccontextmanager
async def in_process(redis_url: str) -> AsyncIterator[InProcess]:
    """A limiter in this process."""
    async with limiter_node(redis_url) as node:
        yield InProcess(node)


async def measure(
    node: Node,
    redis: Redis,
    total: int,
    *,
    rounds: int = ROUNDS,
    known_times: int = 5,
    progress: Callable[[int], None] = lambda _: None,
) -> Cost:
    """Have `total` new keys used once each, in rounds, and the known ones `known_times` after each."""
    new = (f"new-{number}" for number in range(total))
    known = KNOWN * known_times
    await node.serve(known)
    rss_before = (await node.usage())[1]
    bytes_before = await _used(redis)
    new_us, known_us = [], []
    for turn in range(1, rounds + 1):
        new_us.append(await _cost(node, islice(new, total // rounds), total // rounds))
        known_us.append(await _cost(node, known, len(known)))
        progress(turn * (total // rounds))
    seen = total // rounds * rounds
    grown = await _used(redis) - bytes_before
    usages = [usage async for usage in _memory_usages(redis)]
    rss_growth = (await node.usage())[1] - rss_before
    return Cost(seen, grown / seen, sum(usages) / len(usages), rss_growth, new_us, known_us)


async def _cost(node: Node, clients: Iterable[str], count: int) -> float:
    before = (await node.usage())[0]
    await node.serve(clients)
    return 1e6 * ((await node.usage())[0] - before) / count


async def _used(redis: Redis) -> int:
    return int((await redis.info("memory"))["used_memory"])


async def _memory_usages(redis: Redis) -> AsyncIterator[int]:
    left = _SAMPLE
    async for key in redis.scan_iter(match=f"{keys.PREFIX}{{k_*", count=_SAMPLE):
        yield await redis.memory_usage(key) or 0
        left -= 1
        if not left:
            return
