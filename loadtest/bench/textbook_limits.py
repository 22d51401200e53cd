"""The textbook gateway with a rate limit library: ``python -m loadtest.bench.textbook_limits``."""

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from loadtest.bench import textbook


class Library:
    """The sliding window counter of `limits`, with redis-py as its client."""

    def __init__(self, redis_url: str, limit: int, window_seconds: int) -> None:
        """Connect at the first request."""
        storage = RedisStorage(f"async+{redis_url}", implementation="redispy")
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._item = RateLimitItemPerSecond(limit, window_seconds)

    async def admits(self, key: str) -> bool:
        """Count a request, and say whether it is within the limit."""
        return bool(await self._limiter.hit(self._item, key))


if __name__ == "__main__":
    textbook.main(Library)
