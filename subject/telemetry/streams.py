"""Streams of records in Redis, read a page at a time; what is no record is left out, and counted."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gateway.contract.records import STREAM_FIELD, RecordError
from subject.telemetry.records import decode
from subject.telemetry.redis_client import refused

PAGE = 200
"""Entries that are asked for at once. A record of a big cluster is 4 KB as text, and 6 as it is read."""
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
    """The records from `first` to `last`, which are written as XRANGE takes them. Errors as `read_pages`'."""
    return joined([page async for page in read_pages(client, key, kind, first, last)])


async def read_pages(
    client: Redis, key: str, kind: type[Record], first: str, last: str = "+"
) -> AsyncIterator[Stretch[Record]]:
    """The same page by page, for whom all of it at once would be much.

    Errors of redis-py pass through, but for those that it answers with.

    Raises:
        RedisRefusesError: the key holds something else, or may not be read.
    """
    while True:
        try:
            page: Any = await client.xrange(key, min=first, max=last, count=PAGE)
        except ResponseError as error:
            raise refused(client, key, "stream", error) from None
        found = [decoded(kind, fields.get(STREAM_FIELD, "")) for _, fields in page]
        records = [record for record in found if record is not None]
        yield Stretch(records, page[-1][0] if page else "", len(found) - len(records))
        if len(page) < PAGE:
            return
        first = f"({page[-1][0]}"


def joined(pages: Sequence[Stretch[Record]]) -> Stretch[Record]:
    """Pages that follow each other as one stretch."""
    last_id = next((page.last_id for page in reversed(pages) if page.last_id), "")
    records = [record for page in pages for record in page.records]
    return Stretch(records, last_id, sum(page.unreadable for page in pages))


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
