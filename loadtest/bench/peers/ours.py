"""The gateway of this project with the settings that a user gets, and others that are compared with these."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from gateway.contract import client_id, keys
from loadtest import cluster
from loadtest.bench import vitals
from loadtest.bench.peers.peer import WINDOW_SECONDS, Peer, Place, Running, Start


@asynccontextmanager
async def _running(
    place: Place, *, nodes: int = 1, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Running]:
    plan = cluster.Plan(
        nodes=nodes,
        redis_url=f"redis://127.0.0.1:{place.redis_port}/{place.redis_database}",
        upstream_url=place.upstream_url,
        environment=place.environment,
        node_environment={
            "GATEWAY_DEFAULT_LIMIT": f"{place.limit}/{WINDOW_SECONDS}s",
            **(settings or {}),
        },
    )
    async with cluster.running(plan) as running:
        ports = tuple(int(cluster.port_of(node.url)) for node in running.nodes)
        pids = tuple(pid for node in running.nodes for pid in vitals.family(node.pid))
        yield Running(ports, pids, place.redis_database)


def _window(key: str) -> str:
    client = client_id.unknown_client_id(key, client_id.DEFAULT_SECRET)
    return keys.window(client, keys.CLIENT_SCOPE, WINDOW_SECONDS, 0)


def _version() -> str:
    return version("operator-ratelimiter")


def _peer(name: str, title: str, running: Start = _running, *, is_for_everything: bool = False) -> Peer:
    return Peer(name, title, _version, lambda: None, running, _window, is_for_everything=is_for_everything)


OURS = _peer("ours", "this gateway", is_for_everything=True)
WITHOUT_FAST_LANE = _peer(
    "ours-aiohttp",
    "this gateway, FAST_LANE=false",
    partial(_running, settings={"GATEWAY_FAST_LANE": "false"}),
    is_for_everything=True,
)
TWO_NODES = _peer("ours-2-nodes", "two nodes", partial(_running, nodes=2))
FOUR_NODES = _peer("ours-4-nodes", "four nodes", partial(_running, nodes=4))
TWO_WORKERS = _peer(
    "ours-2-workers", "this gateway, WORKERS=2", partial(_running, settings={"GATEWAY_WORKERS": "2"})
)
