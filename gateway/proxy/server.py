"""The proxy's server: creates the protocol of each connection, keeps a registry of them, and drains them."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gateway.access import TrustedProxies, address_of
from gateway.admission import Admission, Policies
from gateway.clock import monotonic
from gateway.connections import Place
from gateway.http.request_id import RequestIds
from gateway.http.request_parser import RequestHead
from gateway.http.upstream_request import UpstreamRequestBuilder
from gateway.last_refusals import Kept, none_yet
from gateway.proxy.access_log import AccessLog
from gateway.proxy.client_connection import ClientConnection
from gateway.proxy.deadlines import Deadlines
from gateway.proxy.inbound_request import InboundRequest, ParsedRequest, Preflight
from gateway.proxy.patience import TimeLimits
from gateway.proxy.simple_request import SimpleRequestParser
from gateway.proxy.stillness import TunnelLimits
from gateway.proxy.transaction import Transaction
from gateway.proxy.tunnel import Tunnel
from gateway.proxy.upstream import Upstreams
from gateway.replies import RateLimitHeaders
from gateway.telemetry.counters import Counters

DRAIN_POLL_SECONDS = 1.0
"""How long an idle connection has for a request that may be on its way, during a drain."""


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """The settings of forwarding."""

    preflight: Preflight
    request_builder: UpstreamRequestBuilder
    upstream_timeout_seconds: float
    request_seconds: float | None
    """For each request from its admission to the end of its response; None is unlimited. Not for tunnels."""
    tunnel_limits: TunnelLimits
    ratelimit_headers: RateLimitHeaders


class ProxyState:
    """What all transactions use. A reload replaces `policies`."""

    __slots__ = (
        "access_log",
        "admission",
        "counters",
        "deadlines",
        "ids",
        "is_draining",
        "options",
        "policies",
        "rejections",
        "upstreams",
    )

    def __init__(
        self,
        policies: Policies,
        admission: Admission,
        upstreams: Upstreams,
        counters: Counters,
        options: ProxyOptions,
        access_log: AccessLog,
        is_draining: Callable[[], bool],
        ids: RequestIds,
    ) -> None:
        self.policies = policies
        self.admission = admission
        self.upstreams = upstreams
        self.counters = counters
        self.options = options
        self.access_log = access_log
        self.is_draining = is_draining
        self.ids = ids
        self.rejections: deque[Kept] = none_yet()
        """The last requests that were rejected for a limit."""
        self.deadlines = Deadlines(options.upstream_timeout_seconds)


class ProxyServer:
    """Serves clients; called for the protocol of each new connection."""

    def __init__(
        self,
        state: ProxyState,
        memo: SimpleRequestParser | None,
        protected_names: frozenset[bytes],
        trusted: TrustedProxies,
        limits: TimeLimits,
        hurry: asyncio.Event,
    ) -> None:
        """Without a `memo`, each head is parsed. When `hurry` is set, a shutdown waits for no request."""
        self.protected_names = protected_names
        """Header names of which no other spelling may come in."""
        self.limits = limits
        self.counters = state.counters
        self._connections: set[ClientConnection] = set()
        self._tunnels: set[Tunnel] = set()
        self._state = state
        self._memo = memo
        self._trusted = trusted
        self._hurry = hurry
        self._is_draining = False
        self._is_empty = asyncio.Event()

    def __call__(self, place: Place | None = None) -> asyncio.Protocol:
        """The protocol of a new connection, which has a place if connections are counted."""
        return ClientConnection(self, place)

    def trusts(self, peer: str) -> bool:
        """Whether this address is a trusted proxy's."""
        return address_of(peer) in self._trusted

    def simple_transaction(self, data: bytes, client: ClientConnection) -> Transaction | None:
        """The request of these bytes, if it is one that the memo reads."""
        if self._memo is None:
            return None
        began = monotonic()
        plain = self._memo.read(data, client.peer, client.scheme, is_trusted=client.is_trusted)
        if plain is None:
            return None
        request_id = plain.given_id or self._state.ids.new()
        return Transaction(plain, request_id, began, client, self._state)

    def parsed_request(self, head: RequestHead, client: ClientConnection) -> ParsedRequest:
        """The request of this head."""
        options = self._state.options
        return ParsedRequest(
            head,
            client.peer,
            client.scheme,
            options.preflight,
            options.request_builder,
            is_trusted=client.is_trusted,
        )

    def transaction(self, request: InboundRequest, client: ClientConnection) -> Transaction:
        """The transaction of a request, to be started."""
        request_id = request.given_id or self._state.ids.new()
        return Transaction(request, request_id, monotonic(), client, self._state)

    def add(self, connection: ClientConnection) -> None:
        """A connection is open."""
        self._connections.add(connection)

    def remove(self, connection: ClientConnection) -> None:
        """A connection is over, or has become a tunnel."""
        self._connections.discard(connection)
        self._check_empty()

    def add_tunnel(self, tunnel: Tunnel) -> None:
        """A connection has become a tunnel."""
        self._tunnels.add(tunnel)
        tunnel.at_end(lambda: self._remove_tunnel(tunnel))

    def _remove_tunnel(self, tunnel: Tunnel) -> None:
        self._tunnels.discard(tunnel)
        self._check_empty()

    def _check_empty(self) -> None:
        if self._is_draining and not (self._connections or self._tunnels):
            self._is_empty.set()

    async def shutdown(self, timeout: float) -> None:  # noqa: ASYNC109 - of the whole shutdown
        """Let requests finish, for `timeout` seconds at most or until `hurry` is set; then close all.

        An idle connection has some time for a request that may be on its way.
        """
        self._is_draining = True
        until = monotonic() + timeout
        waiting = {asyncio.ensure_future(event.wait()) for event in (self._hurry, self._is_empty)}
        while (self._connections or self._tunnels) and not self._hurry.is_set():
            await asyncio.sleep(0)  # what came while the loop was busy is read first
            for connection in list(self._connections):
                connection.drain()
            left = until - monotonic()
            if left <= 0:
                break
            await asyncio.wait(
                waiting, timeout=min(left, DRAIN_POLL_SECONDS), return_when=asyncio.FIRST_COMPLETED
            )
        for each in waiting:
            each.cancel()
        for connection in list(self._connections):
            connection.force_close(has_left=False)
        for tunnel in list(self._tunnels):
            tunnel.abort()
        await asyncio.sleep(0)
