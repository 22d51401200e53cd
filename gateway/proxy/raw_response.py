"""What aiohttp gets back for an answer."""

from typing import Protocol, cast

from aiohttp import web

from gateway.proxy.tunnel import Tunnel


class Answerable(Protocol):
    """A connection that a request came by."""

    def answered(self, *, stays: bool) -> bool:
        """An answer has been written whole: whether another request may follow it."""


class RawResponse(web.StreamResponse):
    """What aiohttp gets back for an answer that has been written."""

    def __init__(self, *, keep_alive: bool) -> None:
        super().__init__()
        self._stays = keep_alive

    @property
    def keep_alive(self) -> bool:
        """Whether the connection goes on to the next request."""
        return self._stays

    async def prepare(self, request: web.BaseRequest) -> None:
        """Go on to the next request, or end."""
        self._stays = cast(Answerable, request.protocol).answered(stays=self._stays)
        transport = request.transport
        if self._stays or transport is None or transport.is_closing():
            return
        if transport.can_write_eof():  # not with TLS
            # The client sees the end at once, even if the rest of its body is awaited before the close,
            # which would otherwise reset the connection and could take the answer with it.
            transport.write_eof()

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing follows."""


class Switched(RawResponse):
    """After a 101 that has been written: the connection is a tunnel's, and done with when that has ended."""

    def __init__(self, tunnel: Tunnel) -> None:
        super().__init__(keep_alive=False)
        self._tunnel = tunnel

    async def prepare(self, request: web.BaseRequest) -> None:
        """Wait for the end."""
        del request
        await self._tunnel.run()
