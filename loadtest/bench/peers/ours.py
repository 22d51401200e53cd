"""The gateway of this project with the settings that a user gets, and others that are compared with these."""

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache, partial
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import version
from pathlib import Path

from gateway.contract import client_id, keys
from loadtest import cluster
from loadtest.bench import vitals
from loadtest.bench.peers.peer import WINDOW_SECONDS, Peer, Place, Running, Start
from loadtest.child import CODE, with_code
from loadtest.nodes import port_of


@asynccontextmanager
async def _running(
    place: Place, *, nodes: int = 1, settings: Mapping[str, str] | None = None, code: Path = CODE
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
        code=code,
    )
    async with cluster.running(plan) as running:
        ports = tuple(int(port_of(node.url)) for node in running.nodes)
        pids = tuple(pid for node in running.nodes for pid in vitals.family(node.pid))
        yield Running(ports, pids, place.redis_database)


@asynccontextmanager
async def _running_source(place: Place) -> AsyncIterator[Running]:
    """Of a copy without what Python would take in place of the source."""
    code = place.folder / "code"
    compiled = shutil.ignore_patterns(*(f"*{suffix}" for suffix in EXTENSION_SUFFIXES))
    shutil.copytree(CODE / "gateway", code / "gateway", ignore=compiled)
    async with _running(place, code=code) as running:
        yield running


def _window(key: str) -> str:
    client = client_id.unknown_client_id(key, client_id.DEFAULT_SECRET)
    return keys.window(client, keys.CLIENT_SCOPE, WINDOW_SECONDS, 0)


@cache
def _version() -> str:
    """As it says itself, which is also whether it is compiled."""
    command = [sys.executable, "-m", "gateway", "--version"]
    environment = with_code(CODE, cluster.own_environment())
    said = subprocess.run(command, env=environment, cwd=CODE, capture_output=True, text=True, check=True)
    return f"this {said.stdout.strip()}"


def _source_version() -> str:
    return f"this gateway {version('operator-ratelimiter')} (not compiled)"


def _missing_source() -> str | None:
    return "what runs here is not compiled: make bench has both" if _version() == _source_version() else None


def _peer(
    name: str,
    title: str,
    running: Start = _running,
    version: Callable[[], str] = _version,
    missing: Callable[[], str | None] = lambda: None,
    *,
    is_for_everything: bool = False,
) -> Peer:
    return Peer(name, title, version, missing, running, _window, is_for_everything=is_for_everything)


OURS = _peer("ours", "this gateway", is_for_everything=True)
SOURCE = _peer(
    "ours-source",
    "this gateway, not compiled",
    _running_source,
    _source_version,
    _missing_source,
    is_for_everything=True,
)
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
