"""The gateway as one would write it first."""

from contextlib import AbstractAsyncContextManager
from importlib.metadata import version

from loadtest.bench.peers.peer import WINDOW_SECONDS, Peer, Place, Running, serving
from loadtest.child import start_module
from loadtest.ports import free_port


def _running(place: Place) -> AbstractAsyncContextManager[Running]:
    port = free_port()
    child = start_module(
        "loadtest.bench.textbook",
        *("--port", str(port), "--limit", str(place.limit), "--window-seconds", str(WINDOW_SECONDS)),
        *("--redis-url", place.redis_url, "--upstream-url", place.upstream_url),
        name="textbook",
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
    running=_running,
    window=lambda key: f"textbook:{key}",
)
