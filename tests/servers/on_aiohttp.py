"""``python -m tests.servers.on_aiohttp PORT``"""

import asyncio
import sys

from aiohttp import web

from tests.servers.record import record_of, write

_MAX_FIELD_BYTES = 16384
_MAX_FIELDS = 200
"""More than what the gateway lets in: it adds to it."""


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    """Take a request and answer it; one whose body breaks off is not written down."""
    body = await request.content.read()
    write(record_of(request.method, request.raw_path, body))
    return web.Response(body=b"ok")


async def serve(port: int) -> None:
    """Listen until the process is ended."""
    runner = web.ServerRunner(web.Server(answer, max_field_size=_MAX_FIELD_BYTES, max_headers=_MAX_FIELDS))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
