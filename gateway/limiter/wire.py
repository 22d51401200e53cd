"""One connection to Redis for counting. Nothing is sent twice: a command is counted once, or not at all."""

import asyncio
from collections.abc import Callable
from typing import cast

import hiredis
from redis.exceptions import RedisError, ResponseError

from gateway.errors import StoreUnavailable

Reply = object
"""A RESP2 reply: int, bytes, list or None; an error reply is a `ResponseError`."""

_MORE = object()


class Wire(asyncio.Protocol):
    """Writes pipelines, and passes on replies in their order, as many at once as have come.

    `on_lost` is told once, when the connection ends otherwise than by `close`; then nothing else comes.
    """

    def __init__(
        self, on_replies: Callable[[list[Reply]], None], on_lost: Callable[[StoreUnavailable], None]
    ) -> None:
        self._on_replies = on_replies
        self._on_lost = on_lost
        self._reader = hiredis.Reader(
            replyError=ResponseError, protocolError=_NonsenseError, notEnoughData=_MORE
        )
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of `asyncio.Protocol`."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is none by its type

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of `asyncio.Protocol`."""
        self._lose(f"the connection broke: {exc}" if exc else "Redis closed the connection")

    def data_received(self, data: bytes) -> None:
        """Part of `asyncio.Protocol`."""
        if self._transport is None:
            return
        replies: list[Reply] = []
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _MORE:
                replies.append(reply)
        except _NonsenseError as error:
            self._lose(f"not the protocol of Redis: {error}")
            return
        self._on_replies(replies)

    def send(self, data: bytes) -> None:
        """Write a pipeline."""
        if self._transport is None or self._transport.is_closing():
            return
        try:
            self._transport.write(data)
        except (OSError, RuntimeError) as error:  # RuntimeError: uvloop's for a handle that a reset closed
            self._lose(f"the connection broke: {error}")

    def close(self) -> None:
        """Drop the connection and whatever is under way on it."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def _lose(self, reason: str) -> None:
        if self._transport is not None:
            self.close()
            self._on_lost(StoreUnavailable(reason))


class _NonsenseError(RedisError):
    """Bytes that are not RESP."""
