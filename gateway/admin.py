"""The admin listener: health, readiness, metrics, the record that is published, and the last refusals."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from gateway.contract.records import MAX_REFUSALS, Refusal, encode
from gateway.telemetry.prometheus import CONTENT_TYPE, Scrape, exposition
from gateway.telemetry.publisher import Recorder

MAX_CONNECTIONS = 64
"""Further ones are closed when they are accepted. `gateway.listener` reserves their file descriptors."""

IDLE_SECONDS = 15.0
"""How long a connection may be idle, or take to send a request."""

FOREIGN_NAME = (
    "this Host is not a name of this node: use an IP address, or list the name in GATEWAY_ADMIN_NAMES\n"
)


@dataclass(frozen=True, slots=True)
class AdminSources:
    """Where the admin listener's answers come from; a node that is ready has no reason why not."""

    recorder: Recorder
    why_not_ready: Callable[[], str]
    scrape: Callable[[], Scrape]
    refusal: Callable[[str], Refusal | None]


SOURCES = web.AppKey("sources", AdminSources)


@asynccontextmanager
async def admin_serving(
    sources: AdminSources, sockets: Sequence[socket.socket], names: Collection[str]
) -> AsyncIterator[None]:
    """Serve at these listening sockets while the context lasts, for requests whose Host `has_own_name`."""
    runner = web.AppRunner(
        admin_application(sources, names), access_log=None, keepalive_timeout=IDLE_SECONDS, logger=_logger()
    )
    await runner.setup()
    server = cast(web.Server, runner.server)  # there is one after `setup`

    def accepted() -> asyncio.BaseProtocol:
        return _Rejected() if len(server.connections) >= MAX_CONNECTIONS else server()

    loop = asyncio.get_running_loop()
    listeners: list[asyncio.Server] = []
    try:
        for listening in sockets:
            listeners.append(await loop.create_server(accepted, sock=listening))
        yield
    finally:
        for listener in listeners:
            listener.close()
        await runner.cleanup()


class _Rejected(asyncio.Protocol):
    """A connection above the bound."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()


class _WellFormed(logging.Filter):
    """Drops what aiohttp logs, with a traceback, of a message that is not HTTP."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _logger() -> logging.Logger:
    logger = logging.getLogger(__name__)
    if not logger.filters:
        logger.addFilter(_WellFormed())
    return logger


def has_own_name(hosts: Sequence[str], names: Collection[str]) -> bool:
    """Whether a request is for this node by the values of its Host fields.

    A page of another site can make its visitor's browser send requests here by a name of its own that
    resolves to this address (DNS rebinding). An IP address, localhost and a name without a dot cannot be
    registered by others. `names` are further names of this node, in lower case. No Host at all is HTTP/1.0,
    which no browser sends.
    """
    if not hosts:
        return True
    host = hosts[0]
    if len(hosts) > 1 or set(host) & set("/?#@\\"):
        return False
    try:
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return False
    if not name:
        return False
    return "." not in name.replace(":", ".") or name in names or _is_ip_address(name)


def _is_ip_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def admin_application(sources: AdminSources, names: Collection[str] = ()) -> web.Application:
    """The listener's application. `names` are as for `has_own_name`."""

    @web.middleware
    async def check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not has_own_name(request.headers.getall("Host", []), names):
            return web.Response(status=421, text=FOREIGN_NAME)  # RFC 9110 §15.5.20
        return await handler(request)

    application = web.Application(middlewares=[check_host])
    application[SOURCES] = sources
    application.router.add_get("/healthz", _health)
    application.router.add_get("/readyz", _readiness)
    application.router.add_get("/metrics", _metrics)
    application.router.add_get("/state", _state)
    application.router.add_get("/refusals/{request_id:.+}", _refusal)
    return application


async def _health(request: web.Request) -> web.Response:
    """The process lives and its event loop turns."""
    del request
    return web.Response(text="ok\n")


async def _readiness(request: web.Request) -> web.Response:
    """It would serve a request: also without Redis, by policy, but not while it drains."""
    reason = request.app[SOURCES].why_not_ready()
    if reason:
        return web.Response(status=503, text=reason + "\n")
    return web.Response(text="ready\n")


async def _metrics(request: web.Request) -> web.Response:
    text = exposition(request.app[SOURCES].scrape())
    return web.Response(text=text, headers={"Content-Type": CONTENT_TYPE})


async def _state(request: web.Request) -> web.Response:
    """The roster entry with a fresh record, as `gateway.contract.records.RosterEntry` describes it."""
    return web.Response(text=encode(request.app[SOURCES].recorder.entry()), content_type="application/json")


async def _refusal(request: web.Request) -> web.Response:
    """One of the last requests that were refused, by its id, as `gateway.contract.records` describes it."""
    found = request.app[SOURCES].refusal(request.match_info["request_id"])
    if found is None:
        return web.Response(
            status=404, text=f"not among the last {MAX_REFUSALS:,} requests that were refused here\n"
        )
    return web.Response(text=encode(found), content_type="application/json")
