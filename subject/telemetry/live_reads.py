"""Reads from Redis what operators have changed live, and the audit of it."""

from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gateway.contract import keys, overrides
from gateway.contract.overrides import MAX_READ
from gateway.contract.records import NOT_A_HASH, AuditRecord
from subject.cluster.live_changes import Audit, LiveChanges
from subject.telemetry.redis_client import WRONG_TYPE
from subject.telemetry.streams import read_stream

FIELDS = 1000
"""That are asked for at once."""


async def read_overrides(client: Redis, length: int | ResponseError) -> LiveChanges:
    """The overrides, where HLEN has just answered `length`. Errors of redis-py pass through."""
    if isinstance(length, ResponseError):
        if WRONG_TYPE not in str(length):
            raise length
        return LiveChanges(problem=f"{keys.OVERRIDES} {NOT_A_HASH}")
    fields: dict[str, str] = {}
    cursor = 0
    while length <= MAX_READ:
        page: Any = await client.hscan(keys.OVERRIDES, cursor, count=FIELDS)
        cursor = page[0]
        fields |= page[1]
        if not cursor:
            return LiveChanges(overrides.parse_overrides(fields))
        length = max(length, len(fields))
    return LiveChanges(problem=f"{keys.OVERRIDES} has more than the {MAX_READ:,} fields that are read")


async def read_audit(client: Redis, at: float, client_id: str | None, seconds: int | None) -> Audit:
    """The audit of all clients or one, as far back as it goes or for the last `seconds`.

    Errors as `read_stream`'s.
    """
    first = "-" if seconds is None else str(max(0, int(1000 * (at - seconds))))
    found = await read_stream(client, keys.AUDIT, AuditRecord, first)
    records = tuple(record for record in found.records if client_id in (None, record.client))
    return Audit(at, records, found.unreadable)
