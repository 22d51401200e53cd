"""The dummy upstream: answers everything with 200 and a few bytes, and writes down what arrived when."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp import web

from loadtest.upstream_log import UpstreamLog

BODY = b'{"hello":"from the dummy upstream"}\n'


@asynccontextmanager
async def running(host: str, port: int, log: Path | None) -> AsyncIterator[str]:
    """Serve while the context lasts; its value is the address. Port 0 takes a free one.

    Raises:
        OSError: the port is taken, or the log cannot be written.
    """
    with (log or Path("/dev/null")).open("a") as file:
        noted = UpstreamLog(file)

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            if log is not None:
                headers = request.headers
                noted.note(time.time(), headers.get("Via"), headers.get("X-API-Key"), request.raw_path)
            async for _ in request.content.iter_any():
                pass
            return web.Response(body=BODY, content_type="application/json")

        runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=1)
        await runner.setup()
        flushing = asyncio.create_task(noted.flush_now_and_then())
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
            bound = runner.addresses[0]
            yield f"http://{bound[0]}:{bound[1]}"
        finally:
            await runner.cleanup()
            flushing.cancel()
            with suppress(asyncio.CancelledError):
                await flushing
            noted.flush()
