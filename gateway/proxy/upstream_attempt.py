"""One attempt to have a request served by one address of an upstream."""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING

from gateway.clock import monotonic
from gateway.proxy.slow_holders import PlaceHolder
from gateway.proxy.upstream import Upstream
from gateway.proxy.upstream_address import UpstreamAddress
from gateway.proxy.upstream_connection import UpstreamConnection
from gateway.request_context import RequestContext

if TYPE_CHECKING:
    Connected = UpstreamConnection | BaseException
    OnConnected = Callable[["UpstreamAttempt", Connected], None]


class UpstreamAttempt:
    """The address, its connection, and what of the request has been sent over it."""

    is_body_sent = False
    """Whether the whole request has been written."""
    body_bytes = 0
    """Content written so far."""

    def __init__(self, holder: PlaceHolder, upstream: Upstream, address: UpstreamAddress, now: float) -> None:
        """The address counts the request as its own until `release`; `holder` is the request."""
        self._holder = holder
        self.address = address
        self.connection: UpstreamConnection | None = None
        self._is_probe = address.absence.began(now)
        self._connecting: asyncio.Task[UpstreamConnection] | None = None
        upstream.took(address)

    def connect(
        self, seconds: float, request: RequestContext, on_connected: "OnConnected", *, fresh: bool
    ) -> None:
        """Wait for a connection, at most `seconds` for a new one; always a new one if `fresh`.

        `on_connected` gets it, or why there is none, unless the attempt has been released meanwhile. What is
        logged meanwhile is of the `request`.
        """
        context = copy_context()
        context.run(request.__enter__)
        connecting = asyncio.get_running_loop().create_task(
            self.address.connect(seconds, fresh=fresh, newcomer=self._holder), context=context
        )
        self._connecting = connecting

        def connected(task: "asyncio.Task[UpstreamConnection]") -> None:
            request.over()
            if task.cancelled():
                return
            result = task.exception() or task.result()
            if self._connecting is task:
                self._connecting = None
                on_connected(self, result)
            elif isinstance(result, UpstreamConnection):
                self.address.release(result)

        connecting.add_done_callback(connected)

    def use(self, connection: UpstreamConnection) -> None:
        """Send the request over this connection, which holds a place."""
        self.connection = connection
        self.address.holders.add(self._holder)

    def drop_connection(self) -> None:
        """Give the connection back; the address keeps the request."""
        connection, self.connection = self.connection, None
        if connection is not None:
            self.address.holders.remove(self._holder)
            self.address.release(connection, in_order=self.is_body_sent)
        self.is_body_sent = False
        self.body_bytes = 0

    def failed(self) -> None:
        """The address did not serve the request, which counts towards its ejection."""
        self.address.absence.failed(monotonic())

    def responded(self) -> None:
        """The head of a response has come, which ends an ejection."""
        if self._is_probe or self.address.absence.failures:
            self.address.absence.worked()
            self._is_probe = False

    def release(self) -> None:
        """The attempt is over."""
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
        self.drop_connection()
        self.end()

    def detach(self, protocol: asyncio.Protocol) -> bytes:
        """After a 101, `protocol` gets the connection; returns the bytes that came behind the 101.

        The place at the address is held until `release_detached`.

        Raises:
            UpstreamError: the connection is gone.
        """
        assert self.connection is not None  # noqa: S101 - a 101 came by it
        rest = self.connection.hand_over(protocol)
        self.address.holders.remove(self._holder)
        if self._is_probe:
            self.address.absence.probe_ended()
            self._is_probe = False
        return rest

    def release_detached(self) -> None:
        """The connection that was detached is over."""
        connection, self.connection = self.connection, None
        if connection is not None:
            self.address.release(connection, in_order=False)
        self.end()

    def end(self) -> None:
        """The address is free of the request."""
        self.address.busy -= 1
        if self._is_probe:
            self.address.absence.probe_ended()
