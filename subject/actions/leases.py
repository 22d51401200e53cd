"""One at a time: who changes a client's limit holds a key meanwhile, which expires by itself.

So what was read before the change is still so when it is made, and no change is overwritten unseen. What
could break that is a command that comes to Redis later than `LEASE_SECONDS` − `USABLE_SECONDS` after it was
sent.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.contract import keys
from subject.errors import ConflictError, HalfDoneError, RedisAwayError
from subject.telemetry.redis_client import place

LEASE_SECONDS = 5.0
USABLE_SECONDS = 2.0
PATIENCE_SECONDS = 2.0
PAUSE_SECONDS = 0.05


class Lease:
    """Held in `redis` since monotonic `began`, which was before Redis gave it."""

    def __init__(self, redis: Redis, began: float) -> None:
        self._redis = redis
        self._began = began

    @property
    def is_usable(self) -> bool:
        """Whether it is sure to be held still, also by the time a command has come to Redis."""
        return time.monotonic() - self._began <= USABLE_SECONDS

    def check(self) -> None:
        """Go on only if it is.

        Raises:
            RedisAwayError: Redis has been so slow that it is not.
        """
        if not self.is_usable:
            reason = f"not within {USABLE_SECONDS:.0f} s, and nothing was changed"
            raise RedisAwayError(place(self._redis), reason)


@asynccontextmanager
async def editing(redis: Redis, client: str) -> AsyncIterator[Lease]:
    """Change a client's limit within this. Errors of redis-py pass through.

    Raises:
        ConflictError: somebody else has been changing it for `PATIENCE_SECONDS`.
    """
    key = keys.editing(client)
    patient_until = time.monotonic() + PATIENCE_SECONDS
    while True:
        began = time.monotonic()
        if await redis.set(key, "1", nx=True, px=int(1000 * LEASE_SECONDS)):
            break
        if began > patient_until:
            raise ConflictError(
                f"somebody else is changing {client} at this moment, and nothing was changed: "
                f"look at subject limits get {client}, and try again"
            )
        await asyncio.sleep(PAUSE_SECONDS)
    lease, is_done = Lease(redis, began), True
    try:
        yield lease
    except HalfDoneError:
        is_done = False  # what was sent may come to Redis yet, and until then nobody else may change it
        raise
    finally:
        if is_done and lease.is_usable:  # else it may be another one's by now, and ours has expired
            with suppress(RedisError, OSError):
                await redis.delete(key)
