"""The dummy upstream: answers everything with 200 and a few bytes, and writes down what arrived when.

A line of its log is JSON: ``at`` seconds since 1970, ``node`` from the Via header (null without),
``key`` SHA-256 of the API key in hex (null without), ``target`` as it stood in the request line.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from aiohttp import web

from gateway.contract.client_id import key_digest

FLUSH_SECONDS = 0.1
BODY = b'{"hello":"from the dummy upstream"}\n'
_LAST_HOP = re.compile(r"(?:^|,)\s*\S+\s+([^\s,]+)[^,]*$")


@dataclass(slots=True)
class ArrivalLog:
    """Lines wait in memory for the next flush, so that no answer waits for the disk."""

    file: TextIO
    _lines: list[str] = field(default_factory=list)

    def note(self, at: float, via: str | None, key: str | None, target: str) -> None:
        """Note a request."""
        hop = _LAST_HOP.search(via or "")
        record = {
            "at": at,
            "node": hop[1] if hop else None,
            "key": None if key is None else key_digest(key),
            "target": target,
        }
        self._lines.append(json.dumps(record) + "\n")

    def flush(self) -> None:
        """Write what waits."""
        lines, self._lines = self._lines, []
        if lines:
            self.file.write("".join(lines))
            self.file.flush()

    async def flush_now_and_then(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self.flush()


@asynccontextmanager
async def running(host: str, port: int, log: Path | None) -> AsyncIterator[str]:
    """Serve while the context lasts; its value is the address. Port 0 takes a free one.

    Raises:
        OSError: the port is taken, or the log cannot be written.
    """
    with (log or Path("/dev/null")).open("a") as file:
        arrivals = ArrivalLog(file)

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            if log is not None:
                headers = request.headers
                arrivals.note(time.time(), headers.get("Via"), headers.get("X-API-Key"), request.raw_path)
            async for _ in request.content.iter_any():
                pass
            return web.Response(body=BODY, content_type="application/json")

        runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=1)
        await runner.setup()
        flushing = asyncio.create_task(arrivals.flush_now_and_then())
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
            arrivals.flush()
