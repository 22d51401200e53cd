"""One connection to Redis that sends each command at most once, with the batches in flight on it."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import hiredis
from redis.exceptions import RedisError, ResponseError

from gateway.errors import StoreUnavailable
from gateway.limiter.frame import pack
from gateway.redis_endpoint import Endpoint

if TYPE_CHECKING:
    from gateway.limiter.batch import Batch

Reply = object
"""A RESP2 reply: int, bytes, list or None; an error reply is a `ResponseError`."""

_KEY_ERRORS = ("WRONGTYPE", "ERR hash value is not an integer", "ERR increment or decrement would overflow")
_SERVER_ERRORS = ("READONLY", "MASTERDOWN", "LOADING", "NOAUTH")

_MORE = object()


def is_key_error(reply: str) -> bool:
    """Whether only this key is damaged."""
    return reply.startswith(_KEY_ERRORS)


def is_server_error(reply: str) -> bool:
    """Whether this server does not count, but another one at the same address may."""
    return reply.startswith(_SERVER_ERRORS)


def not_counted(reply: object) -> StoreUnavailable:
    """The error of a check whose units were not counted because of an error reply."""
    return StoreUnavailable(f"Redis refuses to count: {reply}")


class RespProtocol(asyncio.Protocol):
    """Writes pipelines, and passes on replies in their order, as many at once as were read.

    `on_lost` is called once if the connection ends otherwise than by `close`, and nothing after it.
    """

    def __init__(
        self, on_replies: Callable[[list[Reply]], None], on_lost: Callable[[StoreUnavailable], None]
    ) -> None:
        self._on_replies = on_replies
        self._on_lost = on_lost
        self._reader = hiredis.Reader(
            replyError=ResponseError, protocolError=_InvalidReplyError, notEnoughData=_MORE
        )
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is none by its type

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose(f"the connection broke: {exc}" if exc else "Redis closed the connection")

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        replies: list[Reply] = []
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _MORE:
                replies.append(reply)
        except _InvalidReplyError as error:
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
        """Drop the connection with all that is in flight."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def _lose(self, reason: str) -> None:
        if self._transport is not None:
            self.close()
            self._on_lost(StoreUnavailable(reason))


class _InvalidReplyError(RedisError):
    """Bytes that are not RESP."""


class PipelineConnection:
    """Sends batches, and calls `on_replies` with each and all of its replies, in order.

    `lost` ends with the reason when the connection is gone. `in_flight` has the oldest batch first.
    """

    def __init__(self, on_replies: Callable[["Batch", list[Reply]], None]) -> None:
        self._on_replies = on_replies
        self._protocol = RespProtocol(self._receive, self._lose)
        self._replies: list[Reply] = []
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._greetings = 0
        self.lost: asyncio.Future[StoreUnavailable] = asyncio.get_running_loop().create_future()
        self.in_flight: deque[Batch] = deque()

    async def open(self, endpoint: Endpoint) -> None:
        """Connect and authenticate.

        Raises:
            StoreUnavailable: no connection, or not authenticated.
        """
        await endpoint.connect(lambda: self._protocol)
        greeting = endpoint.greeting
        self._greetings = len(greeting)
        if greeting:
            self._protocol.send(b"".join(map(pack, greeting)))
            waited_for: set[asyncio.Future[Any]] = {self._greeted, self.lost}
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        if self.lost.done():
            raise self.lost.result()

    def send(self, batch: "Batch") -> None:
        """Send a batch."""
        self.in_flight.append(batch)
        self._protocol.send(batch.data)

    def fail(self, reason: StoreUnavailable) -> None:
        """Close the connection."""
        self._protocol.close()
        self._lose(reason)

    def _receive(self, replies: list[Reply]) -> None:
        self._replies += replies
        if self._greetings:
            self._check_greeting()
        else:
            self._pass_on()
        if self._replies and not self._greetings and not self.in_flight:
            # An error that Redis sends by itself, e.g. when its maximum of clients is reached.
            self.fail(_not_let_in(self._replies.pop(0)))

    def _check_greeting(self) -> None:
        while self._greetings and self._replies:
            self._greetings -= 1
            reply = self._replies.pop(0)
            if isinstance(reply, ResponseError):
                self.fail(_not_let_in(reply))
            elif not self._greetings:
                self._greeted.set_result(None)

    def _pass_on(self) -> None:
        while self.in_flight and len(self._replies) >= self.in_flight[0].replies and not self.lost.done():
            batch = self.in_flight.popleft()
            replies, self._replies = self._replies, self._replies[batch.replies :]
            del replies[batch.replies :]
            try:
                self._on_replies(batch, replies)
            except BaseException:
                self.in_flight.appendleft(batch)  # fails with the connection, which this ends
                raise

    def _lose(self, reason: StoreUnavailable) -> None:
        if not self.lost.done():
            if self._replies and isinstance(self._replies[0], ResponseError):
                reason = _not_let_in(self._replies.pop(0))
            self.lost.set_result(reason)


def _not_let_in(reply: Reply) -> StoreUnavailable:
    return StoreUnavailable(f"Redis lets nobody in: {reply}")
