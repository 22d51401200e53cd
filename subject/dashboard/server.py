"""``subject serve``: runs the dashboard until a signal."""

import asyncio
import os
import signal

from aiohttp import web

from subject.dashboard.app import application
from subject.errors import ListenError
from subject.exit_codes import WELL
from subject.output.lines import print_line
from subject.settings import Settings

GOODBYE_SECONDS = 2.0


async def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. The exit code.

    Raises:
        ListenError: the port cannot be had.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(application(settings), access_log=None, shutdown_timeout=GOODBYE_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise ListenError(settings.host, settings.port, reason.lower()) from None
        print_line(_announced(settings, runner.addresses[0][1]))
        await stop.wait()
    finally:
        await runner.cleanup()
    return WELL


def _announced(settings: Settings, port: int) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    rights = (
        "limits can be changed with the token"
        if settings.dashboard_token
        else "read-only, as SUBJECT_TOKEN is not set"
    )
    return f"subject: the dashboard is at http://{host}:{port}/ ({rights})"
