"""The latest entries of the audit, as they come."""

from collections import deque

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import AuditRecord
from subject.telemetry.streams import goes_on, read_stream

KEPT = 200


class Trail:
    """Keeps the end of the audit, and reads only what is new."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: this may be another Redis."""
        self._after = "0"
        self._records: deque[AuditRecord] = deque(maxlen=KEPT)

    async def read(self, redis: Redis, at: float) -> None:
        """Read what has come since; `at` is now, by Redis' clock. Errors as `read_stream`'s."""
        if not await goes_on(redis, keys.AUDIT, self._after, 0, at):
            self.forget()
        found = await read_stream(redis, keys.AUDIT, AuditRecord, f"({self._after}")
        self._after = found.last_id or self._after
        self._records.extend(found.records)

    @property
    def records(self) -> tuple[AuditRecord, ...]:
        """The newest last."""
        return tuple(self._records)
