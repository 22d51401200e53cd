"""The dummy upstream: answers everything with 200 and a few bytes, and writes down what arrived when.

It can be told to be slow, or to fail, by the file whose path is its `behaviour`.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

from aiohttp import web

from gateway.contract.records import RecordError
from loadtest.followed_file import FollowedFile
from loadtest.upstream_behaviour import Behaviour
from loadtest.upstream_log import UpstreamLog

FOLLOW_SECONDS = 0.1

BODY = b'{"hello":"from the dummy upstream"}\n'


class _Upstream:
    """Answers as it is told at that moment, and notes who asked."""

    def __init__(self, log: UpstreamLog | None, behaviour: Path | None) -> None:
        self._log = log
        self._file = None if behaviour is None else FollowedFile(behaviour, Behaviour)
        self._behaviour = Behaviour()
        self._random = Random()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request, once its body is read."""
        if self._log is not None:
            headers = request.headers
            self._log.note(time.time(), headers.get("Via"), headers.get("X-API-Key"), request.raw_path)
        async for _ in request.content.iter_any():
            pass
        await asyncio.sleep(self._behaviour.delay_seconds)
        if self._random.random() < self._behaviour.failing_ratio:
            return web.Response(status=500, body=b"told to fail\n")
        return web.Response(body=BODY, content_type="application/json")

    async def follow(self) -> None:
        """Do as the file says, until cancelled; one that cannot be read is told of and changes nothing."""
        told = ""
        while self._file is not None:
            try:
                self._behaviour = self._file.news() or self._behaviour
            except (OSError, RecordError) as error:
                reason = error.strerror or "" if isinstance(error, OSError) else str(error)
                if reason != told:
                    _say(f"{self._file.path} is not followed: {reason}")
                told = reason
            else:
                told = ""
            await asyncio.sleep(FOLLOW_SECONDS)


def _say(what: str) -> None:
    with suppress(OSError):  # standard error may be a file, and on the same disk
        print(f"loadtest: {what}", file=sys.stderr, flush=True)  # noqa: T201 - beside what its callers read


@asynccontextmanager
async def running(
    host: str, port: int, log: Path | None, behaviour: Path | None = None
) -> AsyncIterator[str]:
    """Serve while the context lasts; its value is the address. Port 0 takes a free one.

    Raises:
        OSError: the port is taken, or the log cannot be written.
    """
    with (log or Path(os.devnull)).open("ab", buffering=0) as file:
        noted = UpstreamLog(file, lambda reason: _say(f"{log}: {reason}"))
        upstream = _Upstream(None if log is None else noted, behaviour)
        runner = web.ServerRunner(web.Server(upstream.answer, access_log=None), shutdown_timeout=1)
        await runner.setup()
        beside = [asyncio.create_task(noted.flush_now_and_then()), asyncio.create_task(upstream.follow())]
        try:
            await web.TCPSite(runner, host, port).start()
            address, bound_port = runner.addresses[0][:2]
            yield f"http://{f'[{address}]' if ':' in address else address}:{bound_port}"
        finally:
            await runner.cleanup()
            for task in beside:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            noted.flush()
