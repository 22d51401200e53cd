"""The life of a node: its parts are started in order, run, and are taken down in order."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import web

from gateway.admin import admin_application
from gateway.background import background
from gateway.building import Parts, RedisParts, Signals, build
from gateway.changes import listen
from gateway.clock import monotonic
from gateway.contract.overrides import POLL_SECONDS
from gateway.contract.telemetry import INTERVAL_SECONDS
from gateway.contract.window import MICROSECONDS
from gateway.errors import REDIS_TROUBLE
from gateway.listener import Listener, authority, listening_sockets
from gateway.log_writer import LogWriter
from gateway.periodic import repeat
from gateway.setting_words import surprises
from gateway.settings import Settings
from gateway.shown_values import without_password
from gateway.telemetry.recorder import NodeInfo

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
    parts = build(settings, Signals(stop, hurry, reread or asyncio.Event()), log)
    for sentence in surprises(settings):
        logger.warning(sentence)
    redis = parts.redis
    async with (
        aclosing(redis.endpoint),
        redis.client,
        background(redis.store.run, parts.loop_lag.run, redis.endpoint.follow) as start,
    ):
        await _first_look(settings, redis)
        await parts.upstreams.look(_UPSTREAM_CHECK_SECONDS)
        async with _listening(settings, parts):
            for task in _tasks_of_serving(parts):
                start(task)
            _announce(settings, parts.sources.recorder.node)
            await stop.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.drain_delay):
                    await hurry.wait()
        await redis.store.finish()
        await parts.publisher.say_farewell()
    parts.upstreams.close()


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
            await redis.roster.look_around(redis.clock.time(monotonic()) / MICROSECONDS)
        except REDIS_TROUBLE as error:
            logger.warning("live overrides and other nodes are not known yet: %s", error)


@asynccontextmanager
async def _listening(settings: Settings, parts: Parts) -> AsyncIterator[None]:
    """Both listeners; at the end clients' requests finish before the admin listener goes."""
    sources, downstream = parts.sources, parts.downstream
    admin = web.AppRunner(admin_application(sources), access_log=None)
    sockets = await listening_sockets(settings.host, settings.port)
    listener = Listener(sockets, downstream, sources.counters, parts.connections, sources.certificate)
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


def _tasks_of_serving(parts: Parts) -> list[Callable[[], Any]]:
    """What runs beside the requests, from when the listeners are there."""
    redis, overrides = parts.redis.client, parts.redis.overrides
    certificate = parts.sources.certificate
    return [
        *([] if certificate is None else [certificate.follow]),
        partial(repeat, parts.publisher.publish, INTERVAL_SECONDS),
        partial(repeat, partial(overrides.refresh, redis), POLL_SECONDS),
        partial(listen, redis, partial(overrides.take, redis)),
        parts.reload.run,
    ]


def _announce(settings: Settings, node: NodeInfo) -> None:
    logger.info(
        "%s serves %s://%s in front of %s, %s by default; admin listener on http://%s",
        settings.node_id,
        "http" if settings.tls_cert is None else "https",
        node.address,
        settings.upstream_url,
        settings.default_limit,
        node.admin_address,
    )
