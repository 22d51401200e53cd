"""The proxy's server: creates the protocol of each connection, keeps a registry of them, and drains them."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gateway.access import TrustedProxies, address_of
from gateway.admission import Admission, Policies
from gateway.clock import monotonic
from gateway.http.request_id import RequestIds
from gateway.http.request_parser import RequestHead
from gateway.http.upstream_request import UpstreamRequestBuilder
from gateway.last_refusals import Kept, none_yet
from gateway.proxy.access_log import AccessLog
from gateway.proxy.client_connection import ClientConnection
from gateway.proxy.client_timers import ClientTimeLimits
from gateway.proxy.deadline_queue import DeadlineQueue
from gateway.proxy.inbound_request import InboundRequest, ParsedRequest, Preflight
from gateway.proxy.replies import RateLimitHeaders
from gateway.proxy.simple_request import SimpleRequestParser
from gateway.proxy.slots import ConnectionSlot
from gateway.proxy.transaction import Transaction
from gateway.proxy.tunnel import Tunnel, TunnelLimits
from gateway.proxy.upstream_pool import Upstreams
from gateway.telemetry.counters import Counters

DRAIN_POLL_SECONDS = 1.0
"""How long an idle connection is kept during a drain, for a request that may be in transit."""


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """Settings of forwarding."""

    preflight: Preflight
    request_builder: UpstreamRequestBuilder
    upstream_timeout_seconds: float
    request_seconds: float | None
    """Total timeout, from admission to the end of the response; None is unlimited. Not for tunnels."""
    tunnel_limits: TunnelLimits
    ratelimit_headers: RateLimitHeaders


class ProxyState:
    """Shared by all transactions. A reload replaces `policies`."""

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
        self.deadlines = DeadlineQueue(options.upstream_timeout_seconds)


class ProxyServer:
    """Server for clients; called to create the protocol of each new connection."""

    def __init__(
        self,
        state: ProxyState,
        memo: SimpleRequestParser | None,
        protected_names: frozenset[bytes],
        trusted: TrustedProxies,
        limits: ClientTimeLimits,
        force: asyncio.Event,
    ) -> None:
        """Without a `memo`, each head is parsed. Once `force` is set, shutdown does not wait for requests."""
        self.protected_names = protected_names
        """Header names whose ambiguous spellings are rejected."""
        self.limits = limits
        self.counters = state.counters
        self._connections: set[ClientConnection] = set()
        self._tunnels: set[Tunnel] = set()
        self._state = state
        self._memo = memo
        self._trusted = trusted
        self._force = force
        self._is_draining = False
        self._is_empty = asyncio.Event()

    def __call__(self, slot: ConnectionSlot | None = None) -> asyncio.Protocol:
        """Create the protocol of a new connection. It releases the slot when it closes."""
        return ClientConnection(self, slot)

    def trusts(self, peer: str) -> bool:
        """Whether the address belongs to a trusted proxy."""
        return address_of(peer) in self._trusted

    def simple_transaction(self, data: bytes, client: ClientConnection) -> Transaction | None:
        """A transaction if `data` is one whole request that the memo accepts, else None."""
        if self._memo is None:
            return None
        started_at = monotonic()
        request = self._memo.read(data, client.peer, client.scheme, is_trusted=client.is_trusted)
        if request is None:
            return None
        request_id = request.given_id or self._state.ids.new()
        return Transaction(request, request_id, started_at, client, self._state)

    def parsed_request(self, head: RequestHead, client: ClientConnection) -> ParsedRequest:
        """The request of a parsed head."""
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
        """A transaction, not yet started."""
        request_id = request.given_id or self._state.ids.new()
        return Transaction(request, request_id, monotonic(), client, self._state)

    def add(self, connection: ClientConnection) -> None:
        """Register an open connection."""
        self._connections.add(connection)

    def remove(self, connection: ClientConnection) -> None:
        """A connection is closed or detached."""
        self._connections.discard(connection)
        self._check_empty()

    def add_tunnel(self, tunnel: Tunnel) -> None:
        """Register a tunnel until it ends."""
        self._tunnels.add(tunnel)
        tunnel.at_end(lambda: self._remove_tunnel(tunnel))

    def _remove_tunnel(self, tunnel: Tunnel) -> None:
        self._tunnels.discard(tunnel)
        self._check_empty()

    def _check_empty(self) -> None:
        if self._is_draining and not (self._connections or self._tunnels):
            self._is_empty.set()

    async def shutdown(self, timeout: float) -> None:  # noqa: ASYNC109 - for the whole shutdown
        """Drain: wait for requests for at most `timeout` seconds or until `force` is set, then close all.

        Idle connections close after `DRAIN_POLL_SECONDS` without a request.
        """
        self._is_draining = True
        until = monotonic() + timeout
        waiting = {asyncio.ensure_future(event.wait()) for event in (self._force, self._is_empty)}
        while (self._connections or self._tunnels) and not self._force.is_set():
            await asyncio.sleep(0)  # read first what arrived while the loop was busy
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
            connection.force_close(by_peer=False)
        for tunnel in list(self._tunnels):
            tunnel.abort()
        await asyncio.sleep(0)
