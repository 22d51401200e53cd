"""The parts between clients and upstreams, built from the settings; `gateway.building` puts them together."""

import asyncio
from math import ceil

from gateway.admission import Policies
from gateway.config.settings import Settings
from gateway.config.tls import upstream_tls_context
from gateway.http.request_parser import PROTECTED_NAMES
from gateway.http.upstream_request import UpstreamRequestBuilder
from gateway.listener import allow_connections
from gateway.proxy.inbound_request import Preflight
from gateway.proxy.server import ProxyOptions, ProxyServer, ProxyState
from gateway.proxy.simple_request import SimpleRequestParser
from gateway.proxy.slots import SlotPool
from gateway.proxy.tunnel import TunnelLimits
from gateway.proxy.upstream_pool import Upstreams
from gateway.telemetry.counters import Counters
from gateway.workers.shared_counters import WorkerPeers


def connections(settings: Settings, counters: Counters, addresses: int, peers: WorkerPeers) -> SlotPool:
    """Slots for client connections, in front of upstreams with `addresses` in all."""
    to_upstreams = addresses * settings.upstream_connections
    # The kernel does not spread connections quite evenly over processes.
    wanted = min(settings.max_connections, ceil(2 * settings.max_connections / peers.processes))
    allowed = allow_connections(wanted, to_upstreams)
    return SlotPool(
        counters,
        max_connections=min(settings.max_connections, peers.processes * allowed),
        max_per_address=settings.address_connections,
        exempt=settings.trusted_proxies,
        peers=peers.connections,
    )


def downstream(settings: Settings, state: ProxyState, hurry: asyncio.Event) -> ProxyServer:
    """The server for clients."""
    options, protected = state.options, _protected_names(settings)
    memo = SimpleRequestParser(options.request_builder, options.preflight, protected, settings.key_header)
    return ProxyServer(
        state,
        memo if settings.fast_lane else None,
        protected,
        settings.trusted_proxies,
        settings.time_limits,
        hurry,
    )


def _protected_names(settings: Settings) -> frozenset[bytes]:
    """Names of which no other spelling may come in: those that the settings choose too."""
    chosen = filter(None, (settings.key_header, settings.client_header))
    return PROTECTED_NAMES | {name.lower().encode() for name in chosen}


def proxy_options(settings: Settings) -> ProxyOptions:
    """How requests are taken in and sent on."""
    return ProxyOptions(
        preflight=Preflight(settings.node_id, settings.trusted_proxies, settings.max_body_bytes),
        request_builder=UpstreamRequestBuilder(
            settings.node_id,
            key_header=settings.key_header,
            forwards_key=settings.forward_key,
            client_header=settings.client_header,
        ),
        upstream_timeout_seconds=settings.upstream_timeout,
        request_seconds=settings.request_timeout or None,
        tunnel_limits=TunnelLimits(settings.tunnel_idle_timeout, write_timeout_seconds=settings.send_timeout),
        ratelimit_headers=settings.ratelimit_headers,
    )


def upstreams(settings: Settings, policies: Policies) -> Upstreams:
    """Where requests are sent.

    Raises:
        StartError: the certificates of those who may sign for them cannot be used.
    """
    return Upstreams(
        policies.upstreams,
        upstream_tls_context(settings.upstream_ca),
        max_connections=settings.upstream_connections,
        idle_seconds=settings.upstream_idle_timeout,
        min_bytes_per_second=settings.min_rate_when_full,
    )
