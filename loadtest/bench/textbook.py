"""A rate-limiting gateway as one would write it first: ``python -m loadtest.bench.textbook`` with its flags.

aiohttp's server and client, redis-py's pipeline, a hash of one-second fields for each key. What others are
measured against.
"""

import argparse
import time
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import uvloop
from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web
from redis.asyncio import Redis

HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}


class Limiter(Protocol):
    """What says whether a key may have one more request."""

    async def admits(self, key: str) -> bool:
        """Count a request, and say whether it is within the limit."""


class Pipeline:
    """Sums up the last seconds' fields, of which this request has raised one."""

    def __init__(self, redis_url: str, limit: int, window_seconds: int) -> None:
        """Connect at the first request."""
        self._redis = Redis.from_url(redis_url)
        self._limit = limit
        self._window_seconds = window_seconds

    async def admits(self, key: str) -> bool:
        """Count a request, and say whether it is within the limit."""
        now = int(time.time())
        name = f"textbook:{key}"
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hincrby(name, str(now), 1)
            pipeline.expire(name, self._window_seconds + 1)
            pipeline.hgetall(name)
            _, _, fields = await pipeline.execute()
        oldest = now - self._window_seconds
        return sum(int(count) for second, count in fields.items() if int(second) > oldest) <= self._limit


class Gateway:
    """Asks the limiter, and forwards what it admits."""

    def __init__(self, limiter: Limiter, upstream_url: str) -> None:
        """Connect at the first request."""
        self._limiter = limiter
        self._upstream_url = upstream_url

    async def run(self, _app: web.Application) -> AsyncIterator[None]:
        """Keep the client open while the application runs."""
        connector = TCPConnector(limit=0)
        async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as self._session:
            yield

    async def handle(self, request: web.Request) -> web.Response:
        """One request."""
        key = request.headers.get("X-API-Key")
        if key is None:
            return web.json_response({"error": "no API key"}, status=401)
        if not await self._limiter.admits(key):
            return web.json_response({"error": "too many requests"}, status=429, headers={"Retry-After": "1"})
        return await self._forward(request)

    async def _forward(self, request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        async with self._session.request(
            request.method,
            self._upstream_url + request.path_qs,
            headers=headers,
            data=await request.read() if request.body_exists else None,
            allow_redirects=False,
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())


def main(limiter: Callable[[str, int, int], Limiter]) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--redis-url", required=True)
    parser.add_argument("--upstream-url", required=True)
    parser.add_argument("--limit", type=int, required=True)
    parser.add_argument("--window-seconds", type=int, required=True)
    options = parser.parse_args()
    limited = limiter(options.redis_url, options.limit, options.window_seconds)
    gateway = Gateway(limited, options.upstream_url)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gateway.handle)
    app.cleanup_ctx.append(gateway.run)
    loop = uvloop.new_event_loop()
    web.run_app(app, host="127.0.0.1", port=options.port, access_log=None, print=None, loop=loop)


if __name__ == "__main__":
    main(Pipeline)
