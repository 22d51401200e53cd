"""What a client saw and what `subject nodes --json` reports are the same, per node, to the last request."""

import asyncio
import json
import sys
import time

from loadtest import cluster
from loadtest.cluster import Cluster
from tests.e2e.hammer import Hammer

SECONDS = 4.0


async def subject(running: Cluster, *arguments: str) -> tuple[int, str, str]:
    """Run a command of the subject: exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "subject",
        *arguments,
        env={**running.environment, "REDIS_URL": running.redis_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def reported(running: Cluster) -> dict[str, dict[str, int]]:
    """Totals by node."""
    _, out, _ = await subject(running, "nodes", "--json")
    return {node["id"]: node["totals"] for node in json.loads(out)["nodes"]}


async def test_the_subjects_totals_are_what_the_clients_saw() -> None:
    async with cluster.running(cluster.Plan(node_environment={"GATEWAY_DEFAULT_LIMIT": "50/2s"})) as running:
        hammers = [Hammer(f"key-{number}") for number in range(3)] + [Hammer("not a key")]
        until = time.monotonic() + SECONDS
        async with asyncio.TaskGroup() as group:
            for hammer in hammers:
                for position, node in enumerate(running.nodes):
                    group.create_task(hammer.paced(node.url, 20 * (position + 1), until))
        running.nodes[0].child.process.terminate()
        expected = {
            node.id: {
                name: sum(hammer.outcomes[(node.url, status)] for hammer in hammers)
                for name, status in (("admitted", 200), ("refused", 429), ("unidentified", 401))
            }
            for node in running.nodes
        }
        for totals in expected.values():
            totals["failed"] = 0
            totals["requests"] = sum(totals.values())
        assert all(totals["admitted"] and totals["refused"] for totals in expected.values())
        deadline = time.monotonic() + 10
        while (counted := await reported(running)) != expected:
            assert time.monotonic() < deadline, f"{counted} is not {expected}"
