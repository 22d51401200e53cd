import shutil
from pathlib import Path

import aiohttp
import pytest
import redis.asyncio as redis_asyncio

from loadtest import redis_server
from loadtest.cluster import Plan, running

pytestmark = pytest.mark.system
CONFIGURATION = Path(__file__).parents[2] / "docker/redis.conf"
EXACT = {
    "GATEWAY_DEFAULT_LIMIT": "5/m",
    "GATEWAY_ON_STORE_FAILURE": "closed",
    "GATEWAY_STORE_DEADLINE": "5",
}


@pytest.fixture
def debian_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers are started from the operating system's program, and not from the wheel."""
    program = shutil.which("redis-server")
    assert program, "apt install redis-server"
    monkeypatch.setenv("REDIS_SERVER", program)


@pytest.mark.usefixtures("debian_redis")
async def test_two_nodes_share_one_limit_by_debians_redis_as_compose_configures_it() -> None:
    with redis_server.running("--include", str(CONFIGURATION)) as server:
        async with redis_asyncio.Redis.from_url(server.url, decode_responses=True) as client:
            assert "valkey_version" not in await client.info("server")
        plan = Plan(nodes=2, redis_url=server.url, node_environment=EXACT)
        async with running(plan) as cluster, aiohttp.ClientSession() as http:
            statuses = []
            for node in cluster.nodes * 6:
                async with http.get(node.url, headers={"X-API-Key": "one"}) as answer:
                    statuses.append(answer.status)

    assert statuses == [200] * 5 + [429] * 7
