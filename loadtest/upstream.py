"""The dummy upstream: answers everything with 200 and a few bytes, and writes down what arrived when.

It can be told to be slow, or to fail, by the file whose path is its `behaviour`."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

from aiohttp import web

from loadtest.upstream_behaviour import FAILURE_FIELD, Followed
from loadtest.upstream_log import UpstreamLog

FOLLOW_SECONDS = 0.1

BODY = b'{"hello":"from the dummy upstream"}\n'


@asynccontextmanager
async def running(
    host: str, port: int, log: Path | None, behaviour: Path | None = None
) -> AsyncIterator[str]:
    """Serve while the context lasts; its value is the address. Port 0 takes a free one.

    Raises:
        OSError: the port is taken, or the log cannot be written.
    """
    with (log or Path("/dev/null")).open("a") as file:
        noted = UpstreamLog(file)
        followed = Followed(behaviour)
        random = Random()

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            if log is not None:
                headers = request.headers
                noted.note(time.time(), headers.get("Via"), headers.get("X-API-Key"), request.raw_path)
            async for _ in request.content.iter_any():
                pass
            await asyncio.sleep(followed.now.delay_seconds)
            if random.random() < followed.now.failing_ratio:
                return web.Response(status=500, body=b"told to fail\n", headers={FAILURE_FIELD: "told"})
            return web.Response(body=BODY, content_type="application/json")

        runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=1)
        await runner.setup()
        beside = [asyncio.create_task(noted.flush_now_and_then()), asyncio.create_task(_follow(followed))]
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
            bound = runner.addresses[0]
            yield f"http://{bound[0]}:{bound[1]}"
        finally:
            await runner.cleanup()
            for task in beside:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            noted.flush()


async def _follow(followed: Followed) -> None:
    while True:
        followed.look()
        await asyncio.sleep(FOLLOW_SECONDS)
