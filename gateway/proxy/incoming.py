"""One request in hand, as its connection gives it to the handler."""

import asyncio
from typing import Protocol

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.streams import StreamReader

from gateway.fields import Fields
from gateway.proxy.head import RequestHead
from gateway.proxy.resets import reset
from gateway.proxy.sender import Sender


class Line(Protocol):
    """The connection that a request came by."""

    def may_go_on(self) -> bool:
        """Whether another request may follow the one at hand."""

    def hand_over(self, protocol: asyncio.Protocol) -> bytes:
        """Give the connection away; what came behind the request."""


class Incoming:
    """A request's head, and the connection that it came by as far as the answer needs it."""

    __slots__ = ("_line", "_request", "head", "peer", "sender")

    def __init__(self, head: RequestHead, request: web.BaseRequest, line: Line) -> None:
        self.head = head
        self._line = line
        self._request = request
        self.peer = peer_of(request.transport)
        """The address at the other end."""
        self.sender = Sender((self.peer,), self.scheme, head.host, by_proxy=False)
        """Who sends it: as its connection shows, until what it says has been judged."""

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
    def writer(self) -> AbstractStreamWriter:
        """Takes the answer's bytes, and waits where the client does not."""
        return self._request.writer

    @property
    def has_left(self) -> bool:
        """Whether the client is gone."""
        return self._request.transport is None

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
            return [(b"Connection", b"close")]
        return [] if self.speaks_1_1 else [(b"Connection", b"keep-alive")]

    def send_now(self, data: bytes) -> None:
        """Write bytes without waiting: an interim answer."""
        if self._request.transport is not None:
            self._request.transport.write(data)

    def hand_over(self, protocol: asyncio.Protocol) -> bytes:
        """After a 101, `protocol` has the connection; what came for it behind the request.

        Reading stands still. The connection is done with when what is answered is.

        Raises:
            ConnectionError: the client is gone.
        """
        return self._line.hand_over(protocol)

    def break_off(self, *, by_reset: bool) -> None:
        """Close so that the client sees that the answer is not whole."""
        transport = self._request.transport
        if transport is not None and by_reset:
            reset(transport)
        elif transport is not None:
            transport.close()


def peer_of(transport: asyncio.BaseTransport | None) -> str:
    """The address at the other end of a connection, as far as it has one."""
    peer = None if transport is None else transport.get_extra_info("peername")
    return peer[0] if isinstance(peer, tuple) else "unknown"
