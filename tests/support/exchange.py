"""One request over an upstream connection, without a proxy: an observer that keeps what it receives."""

import asyncio
from collections.abc import Callable

from gateway.http.response_head import ResponseHead
from gateway.http.response_parser import Piece
from gateway.proxy.upstream_connection import UpstreamConnection, UpstreamError


class Exchange:
    """The response to one request, as far as it has come."""

    def __init__(self) -> None:
        self.head: ResponseHead | None = None
        self.body = b""
        self.is_complete = False
        self.error: UpstreamError | None = None
        self._changed = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether nothing more of it can come."""
        return self.is_complete or self.error is not None

    async def headers(self) -> ResponseHead:
        """Wait for the head.

        Raises:
            UpstreamError: the connection broke before.
        """
        while self.head is None:
            await self._next()
        return self.head

    async def content(self) -> bytes:
        """Wait for the end of the body, and return all of it.

        Raises:
            UpstreamError: the connection broke before.
        """
        while not self.is_complete:
            await self._next()
        return self.body

    async def _next(self) -> None:
        if self.error is not None:
            raise self.error
        self._changed.clear()
        await self._changed.wait()

    # What an upstream connection calls

    def on_headers(self, head: ResponseHead) -> None:
        self.head = head
        self._changed.set()

    def on_response(self, head: ResponseHead, body: bytes) -> None:
        self.on_headers(head)
        self.on_data(body)
        self.on_complete()

    def on_data(self, piece: Piece) -> None:
        self.body += piece

    def on_idle(self) -> None: ...

    def on_complete(self) -> None:
        self.is_complete = True
        self._changed.set()

    def on_error(self, error: UpstreamError) -> None:
        self.error = error
        self._changed.set()

    def on_upstream_full(self) -> None: ...

    def on_upstream_ready(self) -> None: ...

    def fail(self, error: BaseException) -> None:
        raise error


def exchange(
    connection: UpstreamConnection,
    head: bytes = b"x",
    *,
    has_response_body: bool = True,
    upgrade: bytes = b"",
    on_interim: Callable[[ResponseHead], None] | None = None,
) -> Exchange:
    """Send a request's head, as `UpstreamConnection.start` does."""
    observer = Exchange()
    connection.start(
        head, observer, has_response_body=has_response_body, upgrade=upgrade, on_interim=on_interim
    )
    return observer
