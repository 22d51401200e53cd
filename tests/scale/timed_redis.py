"""A real Redis that is told the time: a simulation's clock instead of its own, also for expiry."""

import socket
from collections.abc import Sequence
from typing import Any

import hiredis
from redis.exceptions import ResponseError

from gateway.contract.window import MICROSECONDS
from gateway.limiter.commands import Command, pack
from gateway.limiter.wire import Reply


class TimedRedis:
    """Executes pipelines on one key of a real server, at a microsecond that the caller names."""

    def __init__(self, port: int, key: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._reader = hiredis.Reader(replyError=ResponseError)
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
        self._socket.sendall(b"".join(map(pack, commands)))
        replies: list[Any] = []
        while len(replies) < len(commands):
            if (reply := self._reader.gets()) is False:
                self._reader.feed(self._socket.recv(65536))
            else:
                replies.append(reply)
        return replies

    def close(self) -> None:
        """End the connection."""
        self._socket.close()
