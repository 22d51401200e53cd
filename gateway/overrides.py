"""The live changes that operators make, read from Redis every half second."""

import logging

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.overrides import Overrides, parse_overrides

logger = logging.getLogger(__name__)


class LiveOverrides:
    """The overrides in force. Without Redis, and where a record does not parse, the last good ones stay."""

    def __init__(self) -> None:
        self.current = Overrides()

    async def refresh(self, redis: Redis) -> None:
        """Read them once. Errors of redis-py pass through."""
        fields = await redis.hgetall(keys.OVERRIDES)
        read = parse_overrides({str(name): str(text) for name, text in fields.items()})
        if read.malformed != self.current.malformed and read.malformed:
            logger.warning(
                "overrides that cannot be read, and are not applied: %s", ", ".join(read.malformed)
            )
        self.current = _keeping_last_good(read, self.current)


def _keeping_last_good(read: Overrides, last: Overrides) -> Overrides:
    kept = {name.partition(":")[2] for name in read.malformed}
    return Overrides(
        {client: last.limits[client] for client in kept if client in last.limits} | dict(read.limits),
        {client: last.generations[client] for client in kept if client in last.generations}
        | dict(read.generations),
        read.malformed,
    )
