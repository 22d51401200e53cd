"""What clients' windows take of Redis' memory, by how many sub-intervals they have been active in."""

from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.contract import keys, window
from loadtest import redis_server
from tests.simulation.crowd import name
from tests.simulation.usage import usage

PERIOD_SECONDS = 60
FIELDS = (1, 4, 16, 62)
"""The last: in each that counts, as of a client that never pauses."""
SAMPLE = 10_000
_AT_ONCE = 500
_NOW = 1_800_000_000


@dataclass(frozen=True)
class Size:
    """Of one client's window."""

    fields: int
    bytes: float


async def measure(fields: int, sample: int = SAMPLE) -> Size:
    """Write so many clients' hashes, and have Redis say what it has then."""
    newest = window.sub_interval(_NOW * window.MICROSECONDS, PERIOD_SECONDS)
    counts = [word for age in range(fields) for word in (newest - age, 7)]
    async with redis_server.running_beside() as server, Redis.from_url(server.url) as redis:
        before = await usage(redis)
        for first in range(0, sample, _AT_ONCE):
            async with redis.pipeline(transaction=False) as pipe:
                for rank in range(first, min(first + _AT_ONCE, sample)):
                    key = keys.window(name(rank), keys.CLIENT_SCOPE, PERIOD_SECONDS, 0)
                    pipe.hset(key, items=counts)
                    pipe.pexpire(key, window.key_lifetime_ms(PERIOD_SECONDS) * 1000)
                await pipe.execute()
        return Size(fields, ((await usage(redis)) - before).memory / sample)
