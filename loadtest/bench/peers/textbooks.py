"""The gateway as one would write it first, and the same with a rate limit library."""

from contextlib import AbstractAsyncContextManager
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec

from loadtest.bench.peers.peer import WINDOW_SECONDS, Peer, Place, Running, extras, serving
from loadtest.child import start_module
from loadtest.ports import free_port


def _running(place: Place, *, module: str) -> AbstractAsyncContextManager[Running]:
    port = free_port()
    child = start_module(
        f"loadtest.bench.{module}",
        *("--port", str(port), "--limit", str(place.limit), "--window-seconds", str(WINDOW_SECONDS)),
        *("--redis-url", place.redis_url, "--upstream-url", place.upstream_url),
        name=module,
        environment=place.environment,
        folder=place.folder,
        working_folder=place.folder,
    )
    return serving(child, port)


TEXTBOOK = Peer(
    "textbook",
    "textbook: aiohttp, redis-py pipeline",
    version=lambda: f"aiohttp {version('aiohttp')}, redis-py {version('redis')}",
    missing=lambda: None,
    running=partial(_running, module="textbook"),
    window=lambda key: f"textbook:{key}",
)
LIMITS = Peer(
    "textbook-limits",
    "textbook: aiohttp, limits",
    version=lambda: f"limits {version('limits')}",
    missing=lambda: None if find_spec("limits") else extras(),
    running=partial(_running, module="textbook_limits"),
)
