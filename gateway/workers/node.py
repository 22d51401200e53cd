"""The life of a node of several processes: the first one, which speaks for it and serves nobody."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, nullcontext, suppress
from functools import partial
from itertools import chain

from gateway.app import admin_listening, announce, reached_at
from gateway.background import background
from gateway.building import Signals
from gateway.config.report import config_warnings
from gateway.config.settings import Settings
from gateway.contract.records import INTERVAL_SECONDS
from gateway.listener import shared_sockets
from gateway.log_writer import LogWriter
from gateway.periodic import repeat
from gateway.workers.assignment import Assignment
from gateway.workers.crew import STUCK_SECONDS, Crew
from gateway.workers.shared_counters import SharedCounters, create, write_lock
from gateway.workers.speaker import Speaker

logger = logging.getLogger(__name__)


async def run(settings: Settings, signals: Signals, log: LogWriter) -> None:
    """As `gateway.app.run`, with the requests served by workers.

    Raises:
        StartError: it cannot start, or one of them cannot.
    """
    speaker = Speaker(settings, signals, log)
    for sentence in config_warnings(settings):
        logger.warning(sentence)
    async with (
        _inherited(settings, log) as (sockets, board),
        aclosing(speaker.endpoint),
    ):
        assignments = _assignments(settings, sockets, board)
        crew = Crew(
            assignments, SharedCounters(board, settings.workers, b""), speaker.sums, speaker.check_files
        )
        speaker.speak_for(crew)
        async with background(speaker.endpoint.follow, crew.run, crew.attend) as start:
            async with admin_listening(settings, speaker.sources) as admin_port:
                await _either(crew.complete, signals.stop)
                if crew.complete.is_set():
                    port = sockets[0][0].getsockname()[1]
                    speaker.recorder.node = reached_at(speaker.recorder.node, settings, port, admin_port)
                    start(lambda: repeat(speaker.publish, INTERVAL_SECONDS))
                    start(speaker.reload.run)
                    if speaker.certificate is not None:
                        start(speaker.certificate.follow)
                    announce(settings, speaker.recorder.node)
                    await signals.stop.wait()
                crew.order(stop=True)
                start(lambda: _pass_on(signals.hurry, crew))
                start(lambda: _close(sockets, crew))
                await _until_gone(crew, settings.drain_delay + settings.drain_timeout)
            if crew.complete.is_set():
                await speaker.publisher.publish_leaving()


@asynccontextmanager
async def _inherited(
    settings: Settings, log: LogWriter
) -> AsyncIterator[tuple[list[list[socket.socket]], int]]:
    """What all workers inherit: the sockets of each, and the board, on which they take turns to log."""
    sockets = await shared_sockets(settings.host, settings.port, settings.workers)
    board = create(settings.workers)
    log.turn = partial(write_lock, board)
    try:
        yield sockets, board
    finally:
        log.turn = nullcontext
        os.close(board)
        for listening in chain.from_iterable(sockets):
            listening.close()


def _assignments(settings: Settings, sockets: list[list[socket.socket]], board: int) -> list[Assignment]:
    descriptors = tuple(tuple(each.fileno() for each in of_one) for of_one in sockets)
    numbers, secret = range(1, settings.workers + 1), os.urandom(16)
    return [Assignment(each, settings.workers, settings, descriptors, board, secret) for each in numbers]


async def _either(*events: asyncio.Event) -> None:
    """Wait for the first of them."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _pass_on(hurry: asyncio.Event, crew: Crew) -> None:
    await hurry.wait()
    crew.order(hurry=True)


async def _close(sockets: list[list[socket.socket]], crew: Crew) -> None:
    """A worker that has left before it was told to has not closed the port for all."""
    await crew.accepts_none.wait()
    for listening in chain.from_iterable(sockets):
        with suppress(OSError):  # its worker has done so
            listening.shutdown(socket.SHUT_RDWR)


async def _until_gone(crew: Crew, seconds: float) -> None:
    """Wait until all workers have left; at the end of patience they are ended."""
    try:
        async with asyncio.timeout(seconds + STUCK_SECONDS):
            await crew.gone.wait()
    except TimeoutError:
        crew.kill()
        await crew.gone.wait()
