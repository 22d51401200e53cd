"""What a request asks of the kernel, counted by strace at a node of its own process."""

import asyncio
import re
import signal
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from loadtest import cluster
from loadtest.cluster import Plan

pytestmark = pytest.mark.system

REQUESTS = 1000
BESIDE = 60
"""What a node asks by itself meanwhile: it publishes, polls and looks at its own clock."""
CALL = re.compile(r"^ *[0-9.]+ +[0-9.]+ +[0-9]+ +([0-9]+)(?: +[0-9]+)? (\w+)$", re.MULTILINE)


async def counted(pid: int, url: str, status: int, into: Path) -> dict[str, int]:
    """The calls of one process while one client sends requests, one after the other."""
    with closing(HTTPConnection(urlsplit(url).netloc)) as client:
        exchange(client)
        tracer = await asyncio.create_subprocess_exec(
            "strace", "-c", "-f", "-p", str(pid), "-o", str(into), stderr=asyncio.subprocess.PIPE
        )
        assert tracer.stderr is not None
        assert b"attached" in await tracer.stderr.readline()
        statuses = {exchange(client) for _ in range(REQUESTS)}
        tracer.send_signal(signal.SIGINT)
        await tracer.wait()
    assert statuses == {status}
    return {name: int(count) for count, name in CALL.findall(into.read_text()) if name != "total"}


def exchange(client: HTTPConnection) -> int:
    """The status of the answer to one more request, read to its end."""
    client.request("GET", "/", headers={"X-API-Key": "k"})
    with client.getresponse() as answer:
        answer.read()
        return answer.status


@pytest.mark.parametrize(
    ("limit", "status", "most"),
    [
        # from and to the client, Redis and the upstream, and a look before the upstream's connection is used
        pytest.param("1000000/m", 200, {"read": 3, "write": 3, "poll": 1, "epoll": 4}, id="allowed"),
        pytest.param("1/h", 429, {"read": 1, "write": 1, "poll": 0, "epoll": 2}, id="refused"),
    ],
)
async def test_a_request_makes_so_many_system_calls(
    limit: str, status: int, most: dict[str, int], tmp_path: Path
) -> None:
    plan = Plan(nodes=1, node_environment={"GATEWAY_DEFAULT_LIMIT": limit})
    async with cluster.running(plan) as running:
        (node,) = running.nodes
        calls = await counted(node.pid, node.url, status, tmp_path / "calls")

    kinds = {
        "read": calls.get("read", 0) + calls.get("recvfrom", 0),
        "write": sum(calls.get(name, 0) for name in ("write", "writev", "sendto", "sendmsg")),
        "poll": calls.get("poll", 0),
        "epoll": calls.get("epoll_pwait", 0) + calls.get("epoll_wait", 0),
    }
    assert {kind: count for kind, count in kinds.items() if count > most[kind] * REQUESTS + BESIDE} == {}
    others = sum(calls.values()) - sum(kinds.values())
    assert others < REQUESTS / 2, calls
