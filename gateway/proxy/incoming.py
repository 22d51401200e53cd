"""One message in hand, as its connection gives it to the handler."""

import asyncio
from contextlib import suppress
from typing import Protocol

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.streams import StreamReader

from gateway.fields import Fields, lines
from gateway.problems import Reply
from gateway.proxy.head import RequestHead
from gateway.proxy.headers import CLOSE, own_answer
from gateway.proxy.request_id import id_field
from gateway.proxy.resets import reset
from gateway.proxy.rules import Malformed
from gateway.proxy.sender import Sender
from gateway.request_context import RequestContext


class Line(Protocol):
    """The connection that a request came by."""

    peer: str
    """The address at the other end."""

    def may_go_on(self) -> bool:
        """Whether another request may follow the one at hand."""

    def hand_over(self, protocol: asyncio.Protocol) -> bytes:
        """Give the connection away; what came behind the request."""


class Received:
    """What came where a request was awaited, and its connection as far as the answer needs it."""

    __slots__ = ("_request", "context", "method", "peer")

    def __init__(self, request: web.BaseRequest, method: str, peer: str) -> None:
        """`method` is empty where it cannot be told."""
        self._request = request
        self.method = method
        self.peer = peer
        """The address at the other end."""
        self.context: RequestContext
        """Its id, and what becomes of it; there from when it is named on."""

    @property
    def address(self) -> str:
        """Of whoever sent it, as far as that is known."""
        return self.peer

    @property
    def target(self) -> bytes:
        """As it was sent; empty where it cannot be told."""
        return b""

    @property
    def bytes_in(self) -> int:
        """What has come of its body."""
        return self._request.content.total_bytes

    @property
    def bytes_out(self) -> int:
        """What has gone out of its answer; 0 where none has."""
        return self.writer.output_size if self.context.status else 0

    async def begin(self, status: int, data: bytes) -> None:
        """Write the head of its answer, or all of it.

        Raises:
            ConnectionError: the client is gone.
        """
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError
        self.context.status = status
        await self.writer.write(data)

    async def answer(self, reply: Reply, connection: Fields, now: float) -> None:
        """Write an answer of the node's own, at `now` in seconds since 1970, if the client is still there."""
        own = lines([id_field(self.context.request_id), *connection])
        with suppress(ConnectionError):
            await self.begin(reply.status, own_answer(reply, own, head_only=self.method == "HEAD", now=now))

    @property
    def writer(self) -> AbstractStreamWriter:
        """Takes the answer's bytes, and waits where the client does not."""
        return self._request.writer

    @property
    def has_left(self) -> bool:
        """Whether the client is gone."""
        return self._request.transport is None

    def break_off(self, *, by_reset: bool) -> None:
        """Close so that the client sees that the answer is not whole."""
        transport = self._request.transport
        if transport is not None and by_reset:
            reset(transport)
        elif transport is not None:
            transport.close()


class Unread(Received):
    """One that breaks a rule of reading."""

    __slots__ = ("malformed",)

    def __init__(self, malformed: Malformed, request: web.BaseRequest, line: Line) -> None:
        super().__init__(request, malformed.method, line.peer)
        self.malformed = malformed


class Incoming(Received):
    """A request that could be read."""

    __slots__ = ("_line", "head", "sender")

    def __init__(self, head: RequestHead, request: web.BaseRequest, line: Line) -> None:
        super().__init__(request, head.method, line.peer)
        self.head = head
        self._line = line
        self.sender = Sender((self.peer,), self.scheme, head.host, by_proxy=False)
        """Who sends it: as its connection shows, until what it says has been judged."""

    @property
    def address(self) -> str:
        """The client's."""
        return self.sender.client

    @property
    def target(self) -> bytes:
        """As it was sent, or in origin-form."""
        return self.head.target

    @property
    def body(self) -> StreamReader:
        """The content; at its end at once where there is none."""
        return self._request.content

    @property
    def scheme(self) -> bytes:
        """By which it came: http or https."""
        transport = self._request.transport
        return b"http" if transport is None or transport.get_extra_info("ssl_object") is None else b"https"

    @property
    def speaks_1_1(self) -> bool:
        """Whether it understands chunks and interim answers."""
        return self.head.version == (1, 1)

    @property
    def may_stay(self) -> bool:
        """Whether another request may follow it, as far as its client goes (RFC 9112 §9.3)."""
        return self.head.keep_alive and self._line.may_go_on()

    @property
    def awaits_continue(self) -> bool:
        """Whether its client may be waiting to be told to send the body (RFC 9110 §10.1.1)."""
        return self.head.expects_continue and self.head.has_body and not self.body.is_eof()

    def connection_field(self, *, stays: bool) -> Fields:
        """The field that says whether the connection goes on, where that is not plain from the version."""
        if not stays:
            return CLOSE
        return [] if self.speaks_1_1 else [(b"Connection", b"keep-alive")]

    def send_now(self, data: bytes) -> None:
        """Write bytes without waiting: an interim answer."""
        if self._request.transport is not None:
            self._request.transport.write(data)
            self.writer.output_size += len(data)

    def hand_over(self, protocol: asyncio.Protocol) -> bytes:
        """After a 101, `protocol` has the connection; what came for it behind the request.

        Reading stands still. The connection is done with when what is answered is.

        Raises:
            ConnectionError: the client is gone.
        """
        return self._line.hand_over(protocol)


Message = Incoming | Unread
