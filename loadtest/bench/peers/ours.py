"""The gateway of this project with the settings that a user gets, and others that are compared with these."""

import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache, partial
from importlib.metadata import version

from gateway.contract import client_id, keys
from loadtest import cluster
from loadtest.bench import vitals
from loadtest.bench.peers.peer import WINDOW_SECONDS, Peer, Place, Running


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


@cache
def _flags() -> str:
    """What ``gateway --help`` says."""
    command = [sys.executable, "-m", "gateway", "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _missing(flag: str) -> str | None:
    return None if f"{flag} " in _flags() else f"this gateway has no {flag}"


def _window(key: str) -> str:
    client = client_id.unknown_client_id(key, client_id.DEFAULT_SECRET)
    return keys.window(client, keys.CLIENT_SCOPE, WINDOW_SECONDS, 0)


def _version() -> str:
    return version("operator-ratelimiter")


OURS = Peer("ours", "this gateway", _version, lambda: None, _running, _window)
WITHOUT_FAST_LANE = Peer(
    "ours-aiohttp",
    "this gateway, FAST_LANE=false",
    _version,
    partial(_missing, "--fast-lane"),
    partial(_running, settings={"GATEWAY_FAST_LANE": "false"}),
    _window,
)
TWO_NODES = Peer(
    "ours-2-nodes",
    "two nodes",
    _version,
    lambda: None,
    partial(_running, nodes=2),
    _window,
    is_for_everything=False,
)
FOUR_NODES = Peer(
    "ours-4-nodes",
    "four nodes",
    _version,
    lambda: None,
    partial(_running, nodes=4),
    _window,
    is_for_everything=False,
)
TWO_WORKERS = Peer(
    "ours-2-workers",
    "this gateway, WORKERS=2",
    _version,
    partial(_missing, "--workers"),
    partial(_running, settings={"GATEWAY_WORKERS": "2"}),
    _window,
    is_for_everything=False,
)
