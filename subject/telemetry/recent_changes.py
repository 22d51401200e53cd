"""What operators have done in the last minutes, by the audit, as it comes."""

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import TELEMETRY_STREAM, AuditRecord
from subject.errors import RedisRefusesError
from subject.telemetry.streams import goes_on, read_pages

SECONDS = 2 * TELEMETRY_STREAM.seconds
"""What is found may have begun as long ago as nodes' records of each second go back, by a change before."""


class RecentChanges:
    """Keeps those of the last `SECONDS`, and reads what is new."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew at the next time: Redis' clock was put back."""
        self._after = ""
        self._records: list[AuditRecord] = []

    async def read(self, redis: Redis, at: float) -> tuple[AuditRecord, ...] | None:
        """All of them, the oldest first; `at` is now, by Redis' clock. None where the audit cannot be read:
        ``subject audit`` says why, and a look goes on without. Other errors of redis-py pass through.
        """
        start = int(1000 * (at - SECONDS))
        try:
            if not await goes_on(redis, keys.AUDIT, self._after, start, at):
                self._after, self._records = f"{start}", []
            async for page in read_pages(redis, keys.AUDIT, AuditRecord, f"({self._after}"):
                self._after = page.last_id or self._after
                self._records.extend(page.records)
        except RedisRefusesError:
            self.forget()
            return None
        self._records = [one for one in self._records if one.at >= at - SECONDS]
        return tuple(self._records)
