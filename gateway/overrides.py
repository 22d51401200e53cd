"""The live changes that operators make, read from Redis every half second."""

import logging
from collections.abc import Mapping
from typing import TypeVar

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.overrides import GENERATION_FIELD, LIMIT_FIELD, Overrides, parse_overrides

Value = TypeVar("Value")

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
                "overrides that cannot be read, and are not applied: %s",
                ", ".join(ascii(name) for name in read.malformed),
            )
        self.current = _keeping_last_good(read, self.current)


def _keeping_last_good(read: Overrides, last: Overrides) -> Overrides:
    return Overrides(
        _kept(last.limits, LIMIT_FIELD, read) | dict(read.limits),
        _kept(last.generations, GENERATION_FIELD, read) | dict(read.generations),
        read.malformed,
    )


def _kept(last: Mapping[str, Value], kind: str, read: Overrides) -> dict[str, Value]:
    return {client: value for client, value in last.items() if kind + client in read.malformed}
