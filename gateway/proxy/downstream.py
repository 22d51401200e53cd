"""The server for clients: what comes by their connections goes to the handler."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiohttp import web

from gateway.connections import Place
from gateway.proxy.connection import Connection
from gateway.proxy.head import SHADOWED
from gateway.proxy.incoming import Incoming, Message, Unread
from gateway.proxy.patience import TimeLimits
from gateway.proxy.rules import Malformed
from gateway.telemetry.counters import Counters

Handle = Callable[[Message], Awaitable[web.StreamResponse]]


class Downstream(web.Server):
    """Serves clients by calling `handle`, which is cancelled where its client leaves.

    When `hurry` is set, its shutdown waits no longer for requests in flight.
    """

    def __init__(
        self,
        handle: Handle,
        counters: Counters,
        hurry: asyncio.Event,
        shadowed: frozenset[bytes] = SHADOWED,
        limits: TimeLimits | None = None,
    ) -> None:
        """`shadowed` is as for `head_of`."""

        async def handle_message(request: web.BaseRequest) -> web.StreamResponse:
            connection = cast(Connection, request.protocol)
            head = connection.head
            if isinstance(head, Malformed):
                return await handle(Unread(head, request, connection))
            return await handle(Incoming(head, request, connection))

        super().__init__(handle_message, handler_cancellation=True)
        self._counters = counters
        self._hurry = hurry
        self._shadowed = shadowed
        self._limits = limits or TimeLimits()

    def __call__(self, place: Place | None = None) -> Any:
        """The protocol of a new connection, which has a place if connections are counted."""
        return Connection(self, self._counters, self._hurry, self._shadowed, self._limits, place)
