"""Nodes of several processes, as the processes that an operator starts."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.integration.gateway.client import Client
from tests.integration.gateway.node import eventually
from tests.integration.gateway.processes import NodeProcess, node_process
from tests.integration.gateway.upstream import Upstream


@asynccontextmanager
async def node_of(
    workers: int, folder: Path, upstream: Upstream, redis_url: str, log: int | None = None, **settings: str
) -> AsyncIterator[NodeProcess]:
    """One that serves; it logs to a file, or to a descriptor."""
    usual = {
        "GATEWAY_WORKERS": str(workers),
        "GATEWAY_UPSTREAM_URL": upstream.url,
        "REDIS_URL": redis_url,
        "NODE_ID": "node-1",
        "GATEWAY_DEFAULT_LIMIT": "1000000/m",
        "GATEWAY_STORE_DEADLINE": "2",  # a late answer on a loaded machine is no outage
    }
    async with node_process(folder, log, **(usual | settings)) as node:
        yield node


def workers_of(node: NodeProcess) -> list[int]:
    """Their process ids."""
    pid = node.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def answers_over_connections(
    node: NodeProcess, connections: int, requests: int, target: bytes = b"/"
) -> Counter[int]:
    """The statuses of so many requests over each of so many connections at a time."""

    async def one() -> list[int]:
        async with await node.connect() as client:
            return [(await client.get(target)).status for _ in range(requests)]

    statuses: Counter[int] = Counter()
    for of_one in await asyncio.gather(*(one() for _ in range(connections))):
        statuses.update(of_one)
    return statuses


async def refuses(port: int) -> bool:
    """Whether nobody listens there."""
    try:
        async with await Client.connect(port):
            return False
    except OSError:
        return True


async def says(node: NodeProcess, words: str, times: int = 1) -> None:
    """Wait until its log has something."""

    async def said() -> int:
        return node.log.read_text().count(words)

    await eventually(said, lambda count: count >= times)
