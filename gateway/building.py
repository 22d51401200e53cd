"""Builds the parts of a node from its settings; none of them is started."""

import asyncio
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

from redis.asyncio import Redis

from gateway import proxy_parts
from gateway.admin import AdminSources
from gateway.admission import Admission
from gateway.certificate_files import certificate_files
from gateway.clock import RedisClock, monotonic
from gateway.connections import Connections
from gateway.contract.redis_url import parse_redis_url
from gateway.contract.window import MICROSECONDS
from gateway.limiter.fallback import Fallback
from gateway.limiter.ledger import Ledger
from gateway.limiter.limiter import Limiter
from gateway.limiter.store import Store
from gateway.limiter.views import Views
from gateway.log_writer import LogWriter
from gateway.overrides import LiveOverrides
from gateway.policy_files import read_policies
from gateway.proxy.downstream import Downstream
from gateway.proxy.handler import Handler
from gateway.proxy.upstream import Upstreams
from gateway.redis_endpoint import Endpoint
from gateway.reload import Commit, Reload
from gateway.settings import Settings
from gateway.telemetry.counters import Counters
from gateway.telemetry.process import LoopLag
from gateway.telemetry.publisher import Publisher
from gateway.telemetry.recorder import NodeInfo, Recorder
from gateway.telemetry.roster import Roster

DISTRIBUTION = "operator-ratelimiter"
SILENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Signals:
    """What a node is asked for from outside.

    stop: that it ends. hurry: that it then waits for no request in flight.
    reread: that it reads anew what comes from files, each time.
    """

    stop: asyncio.Event
    hurry: asyncio.Event
    reread: asyncio.Event


@dataclass(frozen=True, slots=True)
class RedisParts:
    """What asks Redis, and what is known by it."""

    endpoint: Endpoint
    client: Redis
    clock: RedisClock
    store: Store
    limiter: Limiter
    overrides: LiveOverrides
    roster: Roster


@dataclass(frozen=True, slots=True)
class Parts:
    """A node, as far as it is to be started, run and taken down."""

    redis: RedisParts
    upstreams: Upstreams
    connections: Connections
    downstream: Downstream
    sources: AdminSources
    publisher: Publisher
    reload: Reload
    loop_lag: LoopLag


def build(settings: Settings, signals: Signals, log: LogWriter | None) -> Parts:
    """All of them, as the settings and the files that they name say.

    Raises:
        StartError: a file cannot be used.
    """
    policies = read_policies(settings)
    certificate = certificate_files(settings.tls_cert, settings.tls_key)
    counters, loop_lag = Counters(), LoopLag()
    upstreams = proxy_parts.upstreams(settings, policies)
    redis = _redis_parts(settings, counters)
    clock, store, overrides = redis.clock, redis.store, redis.overrides
    options, is_draining = proxy_parts.proxy_options(settings), signals.stop.is_set
    handler = Handler(
        policies, Admission(overrides, redis.limiter), upstreams, counters, options, is_draining
    )
    reload = Reload(signals.reread, lambda: clock.time(monotonic()) / MICROSECONDS)
    recorder = Recorder(
        NodeInfo(settings.node_id, "", "", version(DISTRIBUTION), policies.table.digest()),
        counters,
        clock,
        loop_lag,
        lambda: store.connected,
        lambda: store.trouble,
        lambda: overrides.report,
        lambda: reload.report,
    )
    publisher = Publisher(redis.client, recorder, policies.table, redis.roster)
    reload.take_in(partial(_reread_policies, settings, handler, upstreams, publisher))
    if certificate is not None:
        reload.take_in(certificate.reread)
    sources = AdminSources(
        counters, recorder, is_draining, lambda: store.connected, lambda: reload.report, log, certificate
    )
    return Parts(
        redis,
        upstreams,
        proxy_parts.connections(settings, counters, len(upstreams.addresses)),
        proxy_parts.downstream(settings, handler, counters, signals.hurry),
        sources,
        publisher,
        reload,
        loop_lag,
    )


def _redis_parts(settings: Settings, counters: Counters) -> RedisParts:
    endpoint, clock = Endpoint(parse_redis_url(settings.redis_url)), RedisClock()
    client = endpoint.client()
    roster = Roster(client, settings.node_id)
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
    return RedisParts(endpoint, client, clock, store, limiter, LiveOverrides(clock), roster)


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
