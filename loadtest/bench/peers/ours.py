"""The gateway of this project, with the settings that a user gets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from gateway.contract import client_id, keys
from loadtest import cluster
from loadtest.bench import vitals
from loadtest.bench.peers.peer import WINDOW_SECONDS, Peer, Place, Running


@asynccontextmanager
async def _running(place: Place) -> AsyncIterator[Running]:
    plan = cluster.Plan(
        nodes=1,
        redis_url=place.redis_url,
        environment=place.environment,
        node_environment={
            "GATEWAY_UPSTREAM_URL": place.upstream_url,
            "GATEWAY_DEFAULT_LIMIT": f"{place.limit}/{WINDOW_SECONDS}s",
        },
    )
    async with cluster.running(plan) as running:
        ports = tuple(int(cluster.port_of(node.url)) for node in running.nodes)
        pids = tuple(pid for node in running.nodes for pid in vitals.family(node.pid))
        yield Running(ports, pids)


def _window(key: str) -> str:
    client = client_id.unknown_client_id(key, client_id.DEFAULT_SECRET)
    return keys.window(client, keys.CLIENT_SCOPE, WINDOW_SECONDS, 0)


OURS = Peer(
    "ours",
    "this gateway",
    version=lambda: version("operator-ratelimiter"),
    missing=lambda: None,
    running=_running,
    window=_window,
)
