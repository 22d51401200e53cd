"""What aiohttp gets back for an answer."""

from typing import Protocol, cast

from aiohttp import web

from gateway.proxy.tunnel import Tunnel


class Answerable(Protocol):
    """A connection that a request came by."""

    def answered(self, *, stays: bool) -> bool:
        """An answer has been written whole: whether another request may follow it."""

    async def part(self) -> None:
        """After the last answer: see to it that it is not lost."""


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
        connection = cast(Answerable, request.protocol)
        self._stays = connection.answered(stays=self._stays)
        if not self._stays:
            await connection.part()

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
