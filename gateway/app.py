"""The composition root: builds a node from its settings, runs it, and takes it down in order."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import version

from aiohttp import web
from redis.asyncio import Redis

from gateway.addresses import is_loopback
from gateway.admin import AdminSources, admin_application
from gateway.admission import Admission
from gateway.background import background
from gateway.certificate_files import certificate_files
from gateway.changes import listen
from gateway.clock import RedisClock, monotonic
from gateway.connections import Connections
from gateway.contract.overrides import POLL_SECONDS
from gateway.contract.redis_url import parse_redis_url
from gateway.contract.telemetry import INTERVAL_SECONDS
from gateway.contract.window import MICROSECONDS
from gateway.descriptors import allow_connections
from gateway.errors import REDIS_TROUBLE
from gateway.limiter.fallback import Fallback
from gateway.limiter.ledger import Ledger
from gateway.limiter.limiter import Limiter
from gateway.limiter.store import Store
from gateway.limiter.views import Views
from gateway.listener import Listener, authority, listening_sockets
from gateway.log_writer import LogWriter
from gateway.overrides import LiveOverrides
from gateway.periodic import repeat
from gateway.policy_files import read_policies
from gateway.proxy.access_log import AccessLog
from gateway.proxy.downstream import Downstream
from gateway.proxy.entrance import Entrance
from gateway.proxy.handler import Handler, ProxyOptions
from gateway.proxy.head import SHADOWED
from gateway.proxy.journal import Journal
from gateway.proxy.onward import Onward
from gateway.proxy.stillness import TunnelLimits
from gateway.proxy.upstream import Upstreams
from gateway.proxy.upstream_tls import tls_to_upstreams
from gateway.redis_endpoint import Endpoint
from gateway.reload import Commit, Reload
from gateway.settings import Settings
from gateway.shown_values import without_password
from gateway.telemetry.counters import Counters
from gateway.telemetry.process import LoopLag
from gateway.telemetry.publisher import Publisher
from gateway.telemetry.recorder import NodeInfo, Recorder
from gateway.telemetry.roster import Roster

DISTRIBUTION = "operator-ratelimiter"
SILENCE_SECONDS = 1.0
_UPSTREAM_CHECK_SECONDS = 2.0

logger = logging.getLogger(__name__)


async def run(
    settings: Settings,
    stop: asyncio.Event,
    hurry: asyncio.Event | None = None,
    log: LogWriter | None = None,
    reread: asyncio.Event | None = None,
) -> None:
    """Run a node until `stop` is set; requests in flight may then finish, until `hurry` is set.

    Before, for a delay, it still accepts, while balancers see that it is not ready. Each time that
    `reread` is set, what comes from files is read anew.

    Raises:
        StartError: it cannot start.
    """
    hurry = hurry or asyncio.Event()
    policies = read_policies(settings)
    certificate = certificate_files(settings.tls_cert, settings.tls_key)
    _warn(settings)
    counters = Counters()
    clock = RedisClock()
    reload = Reload(reread or asyncio.Event(), lambda: clock.time(monotonic()) / MICROSECONDS)
    overrides = LiveOverrides(clock)
    loop_lag = LoopLag()
    upstreams = Upstreams(
        policies.upstreams,
        tls_to_upstreams(settings.upstream_ca),
        max_connections=settings.upstream_connections,
        idle_seconds=settings.upstream_idle_timeout,
    )
    endpoint = Endpoint(parse_redis_url(settings.redis_url))
    async with aclosing(endpoint), endpoint.client() as redis:
        roster = Roster(redis, settings.node_id)
        store, limiter = _limiter(settings, endpoint, clock, counters, roster)
        admission = Admission(overrides, limiter)
        handler = Handler(policies, admission, upstreams, counters, _options(settings), stop.is_set)
        node = NodeInfo(settings.node_id, "", "", version(DISTRIBUTION), policies.table.digest())
        recorder = Recorder(
            node,
            counters,
            clock,
            loop_lag,
            lambda: store.connected,
            lambda: store.trouble,
            lambda: overrides.report,
            lambda: reload.report,
        )
        publisher = Publisher(redis, recorder, policies.table, roster)
        reload.take_in(partial(_reread_policies, settings, handler, upstreams, publisher))
        if certificate is not None:
            reload.take_in(certificate.reread)
        sources = AdminSources(
            counters,
            recorder,
            stop.is_set,
            lambda: store.connected,
            lambda: reload.report,
            log,
            certificate,
        )
        journal = Journal(handler, counters, settings.trusted_proxies, AccessLog(settings.access_log))
        downstream = Downstream(
            journal, counters, hurry, shadowed=_shadowed(settings), limits=settings.time_limits
        )
        connections = _connections(settings, counters, len(upstreams.addresses))
        async with background(store.run, loop_lag.run, endpoint.follow) as start:
            await _first_look(store, clock, overrides, roster, redis, settings)
            await upstreams.look(_UPSTREAM_CHECK_SECONDS)
            async with _listening(settings, downstream, sources, connections):
                if certificate is not None:
                    start(certificate.follow)
                start(partial(repeat, publisher.publish, INTERVAL_SECONDS))
                start(partial(repeat, partial(overrides.refresh, redis), POLL_SECONDS))
                start(partial(listen, redis, partial(overrides.take, redis)))
                start(reload.run)
                _announce(settings, recorder)
                await stop.wait()
                with suppress(TimeoutError):
                    async with asyncio.timeout(settings.drain_delay):
                        await hurry.wait()
            await store.finish()
            await publisher.say_farewell()
    upstreams.close()


def _limiter(
    settings: Settings, endpoint: Endpoint, clock: RedisClock, counters: Counters, roster: Roster
) -> tuple[Store, Limiter]:
    """What decides, and the store that it decides by, which is to be run."""
    views, ledger = Views(), Ledger(counters)
    store = Store(
        endpoint,
        clock,
        counters,
        views,
        ledger,
        deadline_seconds=settings.store_deadline,
        silence_seconds=max(SILENCE_SECONDS, 2 * settings.store_deadline),
    )
    limiter = Limiter(
        store,
        views,
        Fallback(views, ledger, clock),
        counters,
        on_failure=settings.on_store_failure,
        live_nodes=lambda: roster.live_nodes,
    )
    return store, limiter


def _reread_policies(
    settings: Settings, handler: Handler, upstreams: Upstreams, publisher: Publisher
) -> Commit:
    """Read the policies; what is returned puts them in force for all requests that come from then on."""
    policies = read_policies(settings)

    def enforce() -> None:
        upstreams.load(policies.upstreams)
        handler.policies = policies
        publisher.enforce(policies.table)

    return enforce


def _warn(settings: Settings) -> None:
    """Say what is set so that it may surprise."""
    if settings.identity_secret is None and settings.accepts_unknown_keys and not is_loopback(settings.host):
        logger.warning("GATEWAY_IDENTITY_SECRET is not set: who knows a client id can test keys against it")
    if settings.accepts_unknown_keys:
        logger.warning(
            "unknown keys are accepted: each new key is a new client with %s", settings.default_limit
        )
    if settings.shadow:
        logger.warning("GATEWAY_SHADOW: requests are counted, and nobody is refused for a limit")


def _shadowed(settings: Settings) -> frozenset[bytes]:
    """Names of which no other spelling may come in: those that the settings choose too."""
    chosen = filter(None, (settings.key_header, settings.client_header))
    return SHADOWED | {name.lower().encode() for name in chosen}


def _connections(settings: Settings, counters: Counters, addresses: int) -> Connections:
    """Who may connect, in front of upstreams with so many addresses."""
    to_upstreams = addresses * settings.upstream_connections
    return Connections(
        counters,
        most=allow_connections(settings.max_connections, to_upstreams),
        most_of_an_address=settings.address_connections,
        exempt=settings.trusted_proxies,
    )


def _options(settings: Settings) -> ProxyOptions:
    return ProxyOptions(
        entrance=Entrance(settings.node_id, settings.trusted_proxies, settings.max_body_bytes),
        onward=Onward(
            settings.node_id,
            key_header=settings.key_header,
            forwards_key=settings.forward_key,
            client_header=settings.client_header,
        ),
        upstream_timeout_seconds=settings.upstream_timeout,
        request_seconds=settings.request_timeout or None,
        tunnel_limits=TunnelLimits(settings.tunnel_idle_timeout, stuck_seconds=settings.send_timeout),
        ratelimit_headers=settings.ratelimit_headers,
    )


async def _first_look(
    store: Store,
    clock: RedisClock,
    overrides: LiveOverrides,
    roster: Roster,
    redis: Redis,
    settings: Settings,
) -> None:
    """Know Redis, the live overrides and the other nodes before the first request; Redis may be away."""
    await store.tried.wait()
    if not store.connected:
        logger.warning(
            "until Redis at %s is there, GATEWAY_ON_STORE_FAILURE=%s decides",
            without_password(settings.redis_url),
            settings.on_store_failure,
        )
    else:
        try:
            await overrides.refresh(redis)
            await roster.look_around(clock.time(monotonic()) / MICROSECONDS)
        except REDIS_TROUBLE as error:
            logger.warning("live overrides and other nodes are not known yet: %s", error)


@asynccontextmanager
async def _listening(
    settings: Settings, downstream: Downstream, sources: AdminSources, connections: Connections
) -> AsyncIterator[None]:
    """Both listeners; at the end clients' requests finish before the admin listener goes."""
    admin = web.AppRunner(admin_application(sources), access_log=None)
    sockets = await listening_sockets(settings.host, settings.port)
    listener = Listener(sockets, downstream, sources.counters, connections, sources.certificate)
    try:
        admin_sockets = await listening_sockets(settings.admin_host, settings.admin_port, "ADMIN_")
        await admin.setup()
        for listening in admin_sockets:
            await web.SockSite(admin, listening).start()
        listener.open()
        port, admin_port = (bound[0].getsockname()[1] for bound in (sockets, admin_sockets))
        sources.recorder.node = _reached_at(sources.recorder.node, settings, port, admin_port)
        yield
    finally:
        await listener.close()
        await downstream.shutdown(settings.drain_timeout)
        await admin.cleanup()


def _reached_at(node: NodeInfo, settings: Settings, port: int, admin_port: int) -> NodeInfo:
    return replace(
        node,
        address=authority(settings.advertise_host or settings.host, port),
        admin_address=authority(settings.advertise_host or settings.admin_host, admin_port),
    )


def _announce(settings: Settings, recorder: Recorder) -> None:
    logger.info(
        "%s serves %s://%s in front of %s, %s by default; admin listener on http://%s",
        settings.node_id,
        "http" if settings.tls_cert is None else "https",
        recorder.node.address,
        settings.upstream_url,
        settings.default_limit,
        recorder.node.admin_address,
    )
