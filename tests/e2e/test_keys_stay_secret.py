"""No API key in Redis, in a log, in an answer or in anybody's output, at the level that says most."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redis.asyncio as redis_asyncio

from gateway.contract import keys
from loadtest.cluster import Cluster, Plan, running

REGISTERED = "sk-registered-5f1d0c9a7e"
UNKNOWN = "sk-unknown-8b2e4f6071"
MALFORMED = "sk malformed zq9wx7"
SECRET = "identity-secret-61f0a2"
VIEWS = (["status"], ["nodes", "--json"], ["top"], ["diagnose", "--json"], ["limits"])


async def in_redis(client: redis_asyncio.Redis) -> AsyncIterator[str]:
    """All names and values."""
    readers: dict[str, Any] = {
        "hash": client.hgetall,
        "stream": client.xrange,
        "string": client.get,
    }
    async for name in client.scan_iter():
        yield str(name)
        yield str(await readers[str(await client.type(name))](name))


async def output(cluster: Cluster, *command: str, stdin: str = "") -> str:
    """What a command of the project writes, on both ways."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command),
        env={**cluster.environment, "REDIS_URL": cluster.redis_url, "GATEWAY_IDENTITY_SECRET": SECRET},
        cwd=cluster.folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    written, _ = await asyncio.wait_for(process.communicate(stdin.encode()), 30)
    return written.decode()


async def use(cluster: Cluster) -> AsyncIterator[str]:
    """Send every kind of key in both ways, until over the limit; yields what clients are answered."""
    async with aiohttp.ClientSession() as http:
        for node in cluster.nodes:
            for key in (REGISTERED, UNKNOWN, MALFORMED):
                for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}) * 2:
                    async with http.get(node.url, headers=headers) as answer:
                        yield f"{answer.headers} {await answer.text()}"


@pytest.mark.parametrize("registered", [True, False])
async def test_no_key_is_stored_logged_or_shown(
    registered: bool, redis_url: str, redis_client: redis_asyncio.Redis, tmp_path: Path
) -> None:
    settings = {
        "GATEWAY_LOG_LEVEL": "debug",
        "GATEWAY_ACCESS_LOG": "1",
        "GATEWAY_DEFAULT_LIMIT": "2/m",
        "GATEWAY_IDENTITY_SECRET": SECRET,
    }
    clients = tmp_path / "clients.toml"
    clients.write_text(f'[[clients]]\nname = "acme"\nkey = "{REGISTERED}"\n')
    if registered:
        settings["GATEWAY_CLIENTS_FILE"] = str(clients)
    seen: list[str] = []

    async with running(Plan(nodes=1, redis_url=redis_url, node_environment=settings)) as cluster:
        seen += [answer async for answer in use(cluster)]
        deadline = time.monotonic() + 10
        while "busiest" not in str(await redis_client.hgetall(keys.NODES)):
            assert time.monotonic() < deadline
        async with aiohttp.ClientSession() as http:
            for page in ("/state", "/metrics", "/readyz", "/healthz"):
                async with http.get(cluster.nodes[0].admin_url + page) as answer:
                    seen.append(await answer.text())
        seen += await asyncio.gather(*(output(cluster, "subject", *view) for view in VIEWS))
        seen.append(await output(cluster, "subject", "whois", stdin=REGISTERED + "\n"))
        seen.append(await output(cluster, "gateway", "--check", "--upstream-url", cluster.upstream_url))
        seen += [text async for text in in_redis(redis_client)]
        logs = [file for node in cluster.nodes for file in (node.child.stdout, node.child.stderr)]
        seen += [file.read_text() for file in [*logs, cluster.upstream_log]]

    said = "\n".join(seen)
    assert all(word in said for word in ("acme" if registered else "k_", "429", "401", '"busiest"'))
    assert not [secret for secret in (REGISTERED, UNKNOWN, MALFORMED, SECRET) if secret in said]
    assert "zq9wx7" not in said  # which no random id can have
