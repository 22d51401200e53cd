"""A connection to a real Redis over which pipelines go as bytes."""

import socket
from typing import Any, Self

import hiredis
from redis.exceptions import ResponseError


class RawRedis:
    """Sends, and waits for the replies; an error is one of them."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._reader = hiredis.Reader(replyError=ResponseError)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, data: bytes, count: int) -> list[Any]:
        """The `count` replies to `data`."""
        self._socket.sendall(data)
        replies: list[Any] = []
        while len(replies) < count:
            if (reply := self._reader.gets()) is False:
                self._reader.feed(self._socket.recv(65536))
            else:
                replies.append(reply)
        return replies

    def close(self) -> None:
        """End the connection."""
        self._socket.close()
