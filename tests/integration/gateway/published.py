"""What nodes have published in Redis."""

from typing import Any

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import STREAM_FIELD, RosterEntry, TelemetryRecord, decode
from tests.integration.gateway.node import eventually


async def records(redis: Redis, stream: str = keys.TELEMETRY) -> list[TelemetryRecord]:
    """All in a stream, the oldest first."""
    items: Any = await redis.xrange(stream)
    return [decode(TelemetryRecord, fields[STREAM_FIELD]) for _, fields in items]


async def entry(redis: Redis, node_id: str = "node-1") -> RosterEntry:
    """That of the roster, as soon as there is one."""
    text = await eventually(lambda: redis.hget(keys.NODES, node_id), bool)
    assert text is not None
    return decode(RosterEntry, text)
