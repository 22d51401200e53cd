"""Streams of records in Redis, read a page at a time; what is no record is left out, and counted."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gateway.contract.codec import RecordError
from gateway.contract.telemetry import STREAM_FIELD
from subject.telemetry.records import decode
from subject.telemetry.redis_client import refused

PAGE = 1000
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Stretch(Generic[Record]):
    """What a part of a stream holds, the oldest first."""

    records: list[Record]
    last_id: str  # of the last entry, be it a record or not; empty where there is none
    unreadable: int


async def read_stream(
    client: Redis, key: str, kind: type[Record], first: str, last: str = "+"
) -> Stretch[Record]:
    """The records from `first` to `last`, which are written as XRANGE takes them.

    Errors of redis-py pass through, but for those that it answers with.

    Raises:
        RedisRefusesError: the key holds something else, or may not be read.
    """
    records: list[Record] = []
    last_id, unreadable = "", 0
    while True:
        try:
            page: Any = await client.xrange(key, min=first, max=last, count=PAGE)
        except ResponseError as error:
            raise refused(client, key, "stream", error) from None
        for _, fields in page:
            record = decoded(kind, fields.get(STREAM_FIELD, ""))
            if record is None:
                unreadable += 1
            else:
                records.append(record)
        last_id = page[-1][0] if page else last_id
        if len(page) < PAGE:
            return Stretch(records, last_id, unreadable)
        first = f"({last_id}"


async def goes_on(client: Redis, key: str, after: str, start: int, at: float) -> bool:
    """Whether a stream is to be read on behind the id `after`, and not anew from `start`, in milliseconds.

    Ids go on where Redis' clock is put back; else it is another Redis in which this one lies ahead of its
    time `at`. Errors as `read_stream`'s.
    """
    last = int(after.partition("-")[0] or 0)
    return last >= start and (last <= 1000 * at + 1000 or await _reaches(client, key, after))


async def _reaches(client: Redis, key: str, stream_id: str) -> bool:
    try:
        page: Any = await client.xrange(key, min=stream_id, count=1)
    except ResponseError as error:
        raise refused(client, key, "stream", error) from None
    return bool(page)


def decoded(kind: type[Record], text: Any) -> Record | None:
    """The record that a text is; None where it is none."""
    try:
        return decode(kind, text)
    except RecordError:
        return None
