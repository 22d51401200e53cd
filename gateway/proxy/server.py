"""The data plane's server: makes the protocol of each connection, knows all of them, and drains them."""

import asyncio

from gateway.addresses import address_of
from gateway.clock import monotonic
from gateway.connections import Place
from gateway.proxy.access_log import AccessLog
from gateway.proxy.client_connection import ClientConnection
from gateway.proxy.head import RequestHead
from gateway.proxy.inbound_request import InboundRequest
from gateway.proxy.last_chance import LAST_CHANCE_SECONDS
from gateway.proxy.parsed_request import ParsedRequest
from gateway.proxy.patience import TimeLimits
from gateway.proxy.plain import PlainReader
from gateway.proxy.shared import Shared
from gateway.proxy.transaction import ProxyState, Transaction
from gateway.proxy.tunnel import Tunnel
from gateway.trusted_proxies import TrustedProxies


class ProxyServer:
    """Serves clients; called for the protocol of each new connection."""

    def __init__(
        self,
        shared: Shared,
        access_log: AccessLog,
        memo: PlainReader,
        protected_names: frozenset[bytes],
        trusted: TrustedProxies,
        limits: TimeLimits,
        hurry: asyncio.Event,
    ) -> None:
        """When `hurry` is set, a shutdown waits no longer for requests in flight."""
        self.protected_names = protected_names
        """Header names of which no other spelling may come in."""
        self.limits = limits
        self.counters = shared.counters
        self.connections: set[ClientConnection] = set()
        self._tunnels: set[Tunnel] = set()
        self._shared = shared
        self._state = ProxyState(shared, access_log)
        self._memo = memo
        self._trusted = trusted
        self._hurry = hurry

    def __call__(self, place: Place | None = None) -> asyncio.Protocol:
        """The protocol of a new connection, which has a place if connections are counted."""
        return ClientConnection(self, place)

    def trusts(self, peer: str) -> bool:
        """Whether this address is a trusted proxy's."""
        return address_of(peer) in self._trusted

    def simple_transaction(self, data: bytes, client: ClientConnection) -> Transaction | None:
        """The request of these bytes, if it is one that the memo reads."""
        began = monotonic()
        plain = self._memo.read(data, client.peer, client.scheme, is_trusted=client.is_trusted)
        if plain is None:
            return None
        request_id = plain.given_id or self._shared.ids.new()
        return Transaction(plain, request_id, began, client, self._state)

    def parsed_request(self, head: RequestHead, client: ClientConnection) -> ParsedRequest:
        """The request of this head."""
        options = self._shared.options
        return ParsedRequest(
            head, client.peer, client.scheme, options.entrance, options.onward, is_trusted=client.is_trusted
        )

    def transaction(self, request: InboundRequest, client: ClientConnection) -> Transaction:
        """The transaction of a request, to be started."""
        request_id = request.given_id or self._shared.ids.new()
        return Transaction(request, request_id, monotonic(), client, self._state)

    def add_tunnel(self, tunnel: Tunnel) -> None:
        """A connection has become a tunnel."""
        self._tunnels.add(tunnel)
        tunnel.at_end(lambda: self._tunnels.discard(tunnel))

    async def shutdown(self, timeout: float) -> None:  # noqa: ASYNC109 - of the whole shutdown
        """Let requests finish, for `timeout` seconds at most or until there is a hurry; then close all.

        An idle connection has some time for a request that may be on its way.
        """
        until = monotonic() + timeout
        while (self.connections or self._tunnels) and not self._hurry.is_set():
            await asyncio.sleep(0)  # what came while the loop was busy is read first
            for connection in list(self.connections):
                connection.drain()
            left = until - monotonic()
            if left <= 0:
                break
            await self._wait(min(left, LAST_CHANCE_SECONDS))
        for connection in list(self.connections):
            connection.force_close(has_left=False)
        for tunnel in list(self._tunnels):
            tunnel.abort()
        await asyncio.sleep(0)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return
