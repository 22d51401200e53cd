"""Reads from Redis what operators have changed live, and the audit of it."""

from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gateway.contract import audit, codec, keys, overrides
from gateway.contract.audit import AuditRecord
from gateway.contract.overrides import MAX_READ
from gateway.contract.telemetry import NO_HASH
from subject.cluster.live_changes import Audit, LiveChanges
from subject.errors import RedisRefusesError
from subject.telemetry.redis_client import place

PAGE = 1000
WRONG_TYPE = "WRONGTYPE"


async def read_overrides(client: Redis, length: int | ResponseError) -> LiveChanges:
    """The overrides, where HLEN has just answered `length`. Errors of redis-py pass through."""
    if isinstance(length, ResponseError):
        if WRONG_TYPE not in str(length):
            raise length
        return LiveChanges(problem=f"{keys.OVERRIDES} {NO_HASH}")
    fields: dict[str, str] = {}
    cursor = 0
    while length <= MAX_READ:
        page: Any = await client.hscan(keys.OVERRIDES, cursor, count=PAGE)
        cursor = page[0]
        fields |= page[1]
        if not cursor:
            return LiveChanges(overrides.parse_overrides(fields))
        length = max(length, len(fields))
    return LiveChanges(problem=f"{keys.OVERRIDES} has more than the {MAX_READ:,} fields that are read")


async def read_audit(client: Redis, at: float, client_id: str | None, seconds: int | None) -> Audit:
    """The audit of all clients or one, as far back as it goes or for the last `seconds`.

    Errors of redis-py pass through.

    Raises:
        RedisRefusesError: the key holds something else.
    """
    first = "-" if seconds is None else str(max(0, int(1000 * (at - seconds))))
    records: list[AuditRecord] = []
    unreadable = 0
    while True:
        try:
            page: Any = await client.xrange(keys.AUDIT, min=first, count=PAGE)
        except ResponseError as error:
            if WRONG_TYPE not in str(error):
                raise
            raise RedisRefusesError(place(client), f"{keys.AUDIT} is no stream") from None
        for stream_id, fields in page:
            first = f"({stream_id}"
            try:
                record = codec.decode(AuditRecord, fields.get(audit.STREAM_FIELD, ""))
            except codec.RecordError:
                unreadable += 1
                continue
            if client_id in (None, record.client):
                records.append(record)
        if len(page) < PAGE:
            return Audit(at, tuple(records), unreadable)
