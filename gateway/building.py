"""Builds the parts of a node from its settings; none of them is started."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from redis.asyncio import Redis

from gateway import last_refusals, proxy_parts
from gateway.admin import AdminSources
from gateway.admission import Admission
from gateway.clock import RedisClock, monotonic
from gateway.config.policy_files import read_policies
from gateway.config.settings import Settings
from gateway.config.tls import CertificateFiles, server_certificate
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import Refusal
from gateway.contract.redis_url import parse_redis_url
from gateway.http.request_id import RequestIds
from gateway.identity import UnknownKeyLimiter
from gateway.limiter.fallback import Backlog, Fallback
from gateway.limiter.limiter import Limiter
from gateway.limiter.store import Store
from gateway.limiter.window_cache import WindowCache
from gateway.log_writer import LogWriter
from gateway.overrides import LiveOverrides
from gateway.proxy.access_log import AccessLog
from gateway.proxy.server import ProxyServer, ProxyState
from gateway.proxy.slots import SlotPool
from gateway.redis_endpoint import Endpoint
from gateway.reload import Commit, Reload
from gateway.telemetry.counters import Counters
from gateway.telemetry.process import LoopLag, open_descriptors, usage
from gateway.telemetry.prometheus import Scrape
from gateway.telemetry.publisher import NodeInfo, Publisher, Recorder, Roster
from gateway.version import VERSION
from gateway.workers.shared_counters import WorkerPeers

SILENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Signals:
    """What a node is asked for from outside.

    stop: that it ends. hurry: that it then waits for no request in flight.
    reread: that it reads anew what comes from files, each time.
    """

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    reread: asyncio.Event = field(default_factory=asyncio.Event)


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
class Serving:
    """What serves clients, as far as it is to be started, run and taken down."""

    redis: RedisParts
    proxy: ProxyState
    connections: SlotPool
    downstream: ProxyServer
    counters: Counters
    certificate: CertificateFiles | None
    reload: Reload
    loop_lag: LoopLag


@dataclass(frozen=True, slots=True)
class Speaking:
    """What says how the node is."""

    recorder: Recorder
    publisher: Publisher
    sources: AdminSources


def serving(settings: Settings, signals: Signals, counters: Counters, peers: WorkerPeers) -> Serving:
    """What serves, as the settings and the files that they name say.

    Raises:
        StartError: a file cannot be used.
    """
    policies = read_policies(settings)
    certificate = server_certificate(settings.tls_cert, settings.tls_key)
    upstreams = proxy_parts.upstreams(settings, policies)
    redis = _redis_parts(settings, counters, peers.processes)
    limit = settings.wrong_key_limit(peers.processes)
    wrong_keys = None if limit is None else UnknownKeyLimiter(limit)
    admission = Admission(redis.overrides, redis.limiter, peers.in_flight, wrong_keys)
    proxy = ProxyState(
        policies,
        admission,
        upstreams,
        counters,
        proxy_parts.proxy_options(settings),
        AccessLog(settings.access_log),
        signals.stop.is_set,
        RequestIds(os.urandom),
    )
    return Serving(
        redis,
        proxy,
        proxy_parts.connections(settings, counters, len(upstreams.addresses), peers),
        proxy_parts.downstream(settings, proxy, signals.hurry),
        counters,
        certificate,
        Reload(signals.reread, lambda: redis.clock.seconds(monotonic())),
        LoopLag(),
    )


def speaking(settings: Settings, signals: Signals, serves: Serving, log: LogWriter | None) -> Speaking:
    """What says how a node of one process is."""
    redis, counters, reload, certificate = serves.redis, serves.counters, serves.reload, serves.certificate
    table = serves.proxy.policies.table
    recorder = Recorder(
        unreached(settings, table),
        counters,
        redis.clock,
        serves.loop_lag.take_longest_seconds,
        lambda: redis.store.connected,
        lambda: redis.store.last_error,
        lambda: redis.overrides.report,
        lambda: reload.report,
    )

    def scrape() -> Scrape:
        return Scrape(
            counters,
            redis.store.connected,
            reload.report,
            log.lost if log is not None else 0,
            usage(),
            open_descriptors(),
            len(asyncio.all_tasks()),
            certificate.valid_until if certificate is not None else None,
        )

    def why_not_ready() -> str:
        return "draining" if signals.stop.is_set() else ""

    def refusal(request_id: str) -> Refusal | None:
        return last_refusals.find(serves.proxy.rejections, request_id, redis.clock.seconds)

    publisher = Publisher(redis.client, recorder, table, redis.roster)
    return Speaking(recorder, publisher, AdminSources(recorder, why_not_ready, scrape, refusal))


def unreached(settings: Settings, table: PolicyTable) -> NodeInfo:
    """The node, before it listens."""
    return NodeInfo(settings.node_id, "", "", VERSION, table.digest())


def reread_files(settings: Settings, serves: Serving, enforced: Callable[[PolicyTable], None]) -> None:
    """Have reloads read all files; `enforced` is told of the policies that came of it."""
    serves.reload.take_in(partial(_reread_policies, settings, serves, enforced))
    if serves.certificate is not None:
        serves.reload.take_in(serves.certificate.reread)


def _redis_parts(settings: Settings, counters: Counters, processes: int) -> RedisParts:
    endpoint, clock = Endpoint(parse_redis_url(settings.redis_url)), RedisClock()
    client = endpoint.client()
    roster = Roster(client, settings.node_id)
    cache, backlog = WindowCache(), Backlog(counters)
    store = Store(
        endpoint,
        clock,
        counters,
        cache,
        backlog,
        deadline_seconds=settings.store_deadline,
        silence_seconds=max(SILENCE_SECONDS, 2 * settings.store_deadline),
    )
    limiter = Limiter(
        store,
        cache,
        Fallback(cache, backlog, clock),
        counters,
        on_failure=settings.on_store_failure,
        live_nodes=lambda: roster.live_nodes * processes,
    )
    return RedisParts(endpoint, client, clock, store, limiter, LiveOverrides(clock), roster)


def _reread_policies(settings: Settings, serves: Serving, enforced: Callable[[PolicyTable], None]) -> Commit:
    """Read the policies; what is returned puts them in force for all requests that come from then on."""
    policies = read_policies(settings)

    def enforce() -> None:
        serves.proxy.upstreams.load(policies.upstreams)
        serves.proxy.policies = policies
        enforced(policies.table)

    return enforce
