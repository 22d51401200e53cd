"""The life of a node: its parts are started in order, run, and are taken down in order."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from gateway.admin import AdminSources, admin_serving
from gateway.background import background
from gateway.building import RedisParts, Serving, Signals, Speaking, reread_files, serving, speaking
from gateway.changes import listen
from gateway.clock import monotonic
from gateway.config.report import config_warnings, describe_unknown_keys
from gateway.config.settings import Settings
from gateway.contract.overrides import POLL_SECONDS
from gateway.contract.records import INTERVAL_SECONDS
from gateway.contract.redaction import without_password
from gateway.errors import REDIS_TROUBLE
from gateway.listener import Listener, authority, listening_sockets
from gateway.log_writer import LogWriter
from gateway.periodic import repeat
from gateway.telemetry.counters import Counters
from gateway.telemetry.publisher import NodeInfo
from gateway.version import FULL_VERSION
from gateway.workers.shared_counters import WorkerPeers

_UPSTREAM_CHECK_SECONDS = 2.0

Start = Callable[[Callable[[], Any]], None]

logger = logging.getLogger(__name__)


async def run(settings: Settings, signals: Signals, log: LogWriter | None = None) -> None:
    """Run a node until it is to stop; requests in flight may then finish, until there is a hurry.

    Before, for a delay, it still accepts, while balancers see that it is not ready.

    Raises:
        StartError: it cannot start.
    """
    serves = serving(settings, signals, Counters(), WorkerPeers())
    speaks = speaking(settings, signals, serves, log)
    reread_files(settings, serves, speaks.publisher.enforce)
    for sentence in config_warnings(settings):
        logger.warning(sentence)
    async with ready_to_serve(settings, serves) as start:
        async with _listening(settings, serves, speaks):
            start(partial(repeat, speaks.publisher.publish, INTERVAL_SECONDS))
            for task in tasks_of_serving(serves):
                start(task)
            announce(settings, speaks.recorder.node)
            await signals.stop.wait()
            await delay(settings.drain_delay, signals.hurry)
        await serves.redis.store.finish()
        await speaks.publisher.publish_leaving()


@asynccontextmanager
async def ready_to_serve(settings: Settings, serves: Serving) -> AsyncIterator[Start]:
    """What a process needs from before it accepts until nothing is in flight; it starts what is given it."""
    redis = serves.redis
    async with (
        aclosing(redis.endpoint),
        background(redis.store.run, serves.loop_lag.run, redis.endpoint.follow) as start,
    ):
        await _first_look(settings, redis)
        await serves.proxy.upstreams.check_reachable(_UPSTREAM_CHECK_SECONDS)
        yield start
    serves.proxy.upstreams.close()


async def delay(seconds: float, hurry: asyncio.Event) -> None:
    """Wait, if nobody is in a hurry."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await hurry.wait()


async def _first_look(settings: Settings, redis: RedisParts) -> None:
    """Know Redis, the live overrides and the other nodes before the first request; Redis may be away."""
    await redis.store.tried.wait()
    if not redis.store.connected:
        logger.warning(
            "until Redis at %s is there, GATEWAY_ON_STORE_FAILURE=%s decides",
            without_password(settings.redis_url),
            settings.on_store_failure,
        )
    else:
        try:
            await redis.overrides.refresh(redis.client)
            await redis.roster.poll(redis.clock.seconds(monotonic()))
        except REDIS_TROUBLE as error:
            logger.warning("live overrides and other nodes are not known yet: %s", error)


@asynccontextmanager
async def _listening(settings: Settings, serves: Serving, speaks: Speaking) -> AsyncIterator[None]:
    """Both listeners; at the end clients' requests finish before the admin listener goes."""
    sockets = await listening_sockets(settings.host, settings.port)
    try:
        async with (
            admin_listening(settings, speaks.sources) as admin_port,
            accepting(settings, serves, sockets),
        ):
            port = sockets[0].getsockname()[1]
            speaks.recorder.node = reached_at(speaks.recorder.node, settings, port, admin_port)
            yield
    finally:
        for listening in sockets:
            listening.close()


@asynccontextmanager
async def accepting(
    settings: Settings,
    serves: Serving,
    sockets: list[socket.socket],
    for_all: Callable[[], bool] = lambda: True,
) -> AsyncIterator[Listener]:
    """Accept clients' connections; at the end their requests finish, for as long as they may take.

    `for_all` says then whether other processes that have the sockets accept no more either.
    """
    listener = Listener(sockets, serves.downstream, serves.counters, serves.connections, serves.certificate)
    listener.open()
    try:
        yield listener
    finally:
        await listener.close(for_all=for_all())
        await serves.downstream.shutdown(settings.drain_timeout)


@asynccontextmanager
async def admin_listening(settings: Settings, sources: AdminSources) -> AsyncIterator[int]:
    """The admin listener; its port is yielded.

    Raises:
        StartError: it cannot listen there.
    """
    sockets = await listening_sockets(settings.admin_host, settings.admin_port, "ADMIN_")
    async with admin_serving(sources, sockets, settings.own_admin_names):
        yield sockets[0].getsockname()[1]


def reached_at(node: NodeInfo, settings: Settings, port: int, admin_port: int) -> NodeInfo:
    """The node at the ports where it listens."""
    return replace(
        node,
        address=authority(settings.advertise_host or settings.host, port),
        admin_address=authority(settings.advertise_host or settings.admin_host, admin_port),
    )


def tasks_of_serving(serves: Serving) -> list[Callable[[], Any]]:
    """What runs beside the requests, from when connections are accepted."""
    redis, overrides = serves.redis.client, serves.redis.overrides
    return [
        *([] if serves.certificate is None else [serves.certificate.follow]),
        partial(repeat, partial(overrides.refresh, redis), POLL_SECONDS),
        partial(listen, redis, partial(overrides.take, redis)),
        serves.reload.run,
    ]


def announce(settings: Settings, node: NodeInfo) -> None:
    """Say where it is."""
    logger.info(
        "%s serves %s://%s in front of %s, %s by default, %s; admin listener on http://%s; version %s",
        settings.node_id,
        "http" if settings.tls_cert is None else "https",
        node.address,
        settings.upstream_url,
        settings.default_limit,
        describe_unknown_keys(settings),
        node.admin_address,
        FULL_VERSION,
    )
