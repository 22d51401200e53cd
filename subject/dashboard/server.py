"""``subject serve``: runs the dashboard until a signal."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from subject.dashboard.app import application
from subject.errors import ListenError
from subject.exit_codes import WELL
from subject.output.lines import print_line
from subject.settings import Settings

GOODBYE_SECONDS = 2.0
MOST_CONNECTIONS = 400
"""More are closed as they come: each takes a descriptor, and Redis and the nodes need some too."""
IDLE_SECONDS = 15.0
"""How long one may be silent, or need for a request."""

MALFORMED = (HttpProcessingError, web.RequestPayloadError)
"""What aiohttp raises for a message, or for a body, that is none."""


async def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. The exit code.

    Raises:
        ListenError: the port cannot be had.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with listening(settings) as port:
        print_line(_announced(settings, port))
        await stop.wait()
    return WELL


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[int]:
    """Serve as long as the context lasts; the port.

    Raises:
        ListenError: it cannot be had.
    """
    runner = web.AppRunner(
        application(settings),
        access_log=None,
        shutdown_timeout=GOODBYE_SECONDS,
        keepalive_timeout=IDLE_SECONDS,
        logger=_logger(),
    )
    await runner.setup()
    try:
        listener = await _listen(runner, settings)
        try:
            yield listener.sockets[0].getsockname()[1]
        finally:
            listener.close()
    finally:
        await runner.cleanup()


class _Ours(logging.Filter):
    """What is wrong with a message is told to its sender alone: it may hold the token, and be one of many."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], MALFORMED))


def _logger() -> logging.Logger:
    logger = logging.getLogger(__name__)
    if not logger.filters:
        logger.addFilter(_Ours())
    return logger


async def _listen(runner: web.AppRunner, settings: Settings) -> asyncio.Server:
    server = cast(web.Server, runner.server)  # since it is set up

    def accepted() -> asyncio.BaseProtocol:
        return _Refused() if len(server.connections) >= MOST_CONNECTIONS else server()

    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(accepted, settings.host, settings.port, reuse_address=True)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise ListenError(settings.host, settings.port, reason.lower()) from None


class _Refused(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()


def _announced(settings: Settings, port: int) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    rights = (
        "limits can be changed with the token"
        if settings.dashboard_token
        else "read-only, as SUBJECT_TOKEN is not set"
    )
    return f"subject: the dashboard is at http://{host}:{port}/ ({rights})"
