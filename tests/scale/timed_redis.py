"""A real Redis that is told the time: a simulation's clock instead of its own, also for expiry."""

from collections.abc import Sequence
from typing import Any

from gateway.contract.window import MICROSECONDS
from gateway.limiter.connection import Reply
from gateway.limiter.frame import Command, pack
from tests.raw_redis import RawRedis


class TimedRedis:
    """Executes pipelines on one key of a real server, at a microsecond that the caller names."""

    def __init__(self, port: int, key: str) -> None:
        self._redis = RawRedis(port)
        self._key = key
        self._expires_at = 0
        self.fields = 0
        """Of the key's hash, after the last pipeline."""

    def execute(self, commands: Sequence[Command], now: int) -> list[Reply]:
        """The replies to a pipeline that arrives at Redis microsecond `now`."""
        if now >= self._expires_at:
            self._call([("DEL", self._key)])
        real = [command for command in commands if command[0] != "TIME"]
        for command in real:
            if command[0] == "PEXPIRE":
                self._expires_at = now + int(command[2]) * 1000
        *told, self.fields = self._call([*real, ("HLEN", self._key)])
        replies = iter(told)
        time = [b"%d" % (now // MICROSECONDS), b"%d" % (now % MICROSECONDS)]
        return [time if command[0] == "TIME" else next(replies) for command in commands]

    def _call(self, commands: Sequence[Command]) -> list[Any]:
        return self._redis.call(b"".join(map(pack, commands)), len(commands))

    def close(self) -> None:
        """End the connection."""
        self._redis.close()
