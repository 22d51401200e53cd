"""What was before the records of each second: the steps of the history that nodes keep, as they come."""

from math import inf

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import TelemetryRecord
from subject.cluster.steps import STEP_SECONDS, Step, Steps
from subject.errors import RedisRefusesError
from subject.telemetry.streams import goes_on, read_pages


class PastSteps:
    """Keeps those of the last `seconds`, and reads what is new once in a step; of 0 seconds nothing."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._steps = Steps()
        self.forget()

    def forget(self) -> None:
        """Begin anew at the next time: Redis' clock was put back."""
        self._after = ""
        self._read_at = -inf

    async def read(self, redis: Redis, at: float) -> list[str]:
        """Read what has come since; what could not be read, in words. `at` is now, by Redis' clock.

        Without it nothing is known of before, and all else goes on. Errors of redis-py pass through, but for
        those that it answers with.
        """
        if not self._seconds or 0 <= at - self._read_at < STEP_SECONDS:
            return []
        self._read_at = at
        start = int(1000 * (at - self._seconds))
        try:
            if not await goes_on(redis, keys.HISTORY, self._after, start, at):
                self._after, self._steps = f"{start}", Steps()
            unreadable = 0
            async for page in read_pages(redis, keys.HISTORY, TelemetryRecord, f"({self._after}"):
                self._after = page.last_id or self._after
                self._steps.add(one for one in page.records if start <= 1000 * one.at <= 1000 * at + 1000)
                unreadable += page.unreadable
        except RedisRefusesError as error:
            return [error.reason]
        return [f"{unreadable} records of the history"] if unreadable else []

    def until(self, at: float) -> tuple[Step, ...]:
        """Those that are complete by then."""
        return self._steps.kept(at - self._seconds, at)
