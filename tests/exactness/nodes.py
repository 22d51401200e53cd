"""What nodes say of themselves on their admin listeners."""

import asyncio
import time
from collections.abc import Sequence

import aiohttp

from gateway.contract.records import RosterEntry, TelemetryRecord, decode
from loadtest.cluster import Cluster, Node

ACQUAINTED_SECONDS = 10.0


async def record_of(node: Node) -> TelemetryRecord:
    """How things stand at this node now."""
    async with aiohttp.ClientSession() as http, http.get(f"{node.admin_url}/state") as answer:
        return decode(RosterEntry, await answer.read()).last


async def records_of(cluster: Cluster) -> list[TelemetryRecord]:
    """The same of all nodes, in their order."""
    return list(await asyncio.gather(*(record_of(node) for node in cluster.nodes)))


async def know_each_other(cluster: Cluster) -> None:
    """Wait until each has published since all were there, and so has looked around."""
    deadline = time.monotonic() + ACQUAINTED_SECONDS
    while any(record.sequence < 4 for record in await records_of(cluster)):
        assert time.monotonic() < deadline, "the nodes publish nothing"
        await asyncio.sleep(0.1)


def fallbacks(records: Sequence[TelemetryRecord]) -> int:
    """Decisions that were made without Redis, by all of them."""
    return sum(record.store.fallbacks for record in records)
