"""What senders saw admitted, refused, failed and unidentified is what the subject says, node by node."""

import asyncio
import time
from pathlib import Path

from loadtest import cluster, generator, upstream
from loadtest.load import Load, Stream
from loadtest.ports import free_port
from loadtest.subject_commands import Subject

PUBLISHED_SECONDS = 10.0

LOAD = Load(
    (
        Stream(60.0, ("key-a", "key-b", "key-c"), (3, 2, 1)),
        Stream(10.0, ("x" * 300,)),  # longer than any key may be
    )
)


async def test_counts_of_all_outcomes_are_exact_on_each_node(tmp_path: Path) -> None:
    port = free_port()
    plan = cluster.Plan(
        node_environment={
            "GATEWAY_DEFAULT_LIMIT": "10/s",
            "GATEWAY_STORE_DEADLINE": "5",
            "GATEWAY_UPSTREAM_URL": f"http://127.0.0.1:{port}",
        }
    )
    async with cluster.running(plan) as running:
        nodes = [(node.id, node.url) for node in running.nodes]
        async with generator.running(
            nodes, LOAD, seed=1, environment=running.environment, folder=tmp_path
        ) as load:
            await load.starts()
            async with upstream.running("127.0.0.1", port, None):
                await asyncio.sleep(5)
            await asyncio.sleep(1.5)  # the upstream is away: admitted requests fail
            async with upstream.running("127.0.0.1", port, None):
                await asyncio.sleep(1)
                counted = await load.stop()
        seen = {node_id: counts.as_totals() for node_id, counts in counted.nodes.items()}
        subject = Subject({**running.environment, "REDIS_URL": running.redis_url}, tmp_path)
        deadline = time.monotonic() + PUBLISHED_SECONDS
        while (told := await subject.node_totals()) != seen and time.monotonic() < deadline:
            pass
    assert told == seen
    assert all(counts.unanswered == 0 for counts in counted.nodes.values())
    for outcome in ("admitted", "refused", "failed", "unidentified"):
        assert all(getattr(totals, outcome) > 0 for totals in seen.values()), outcome
