"""Limits in shadow: counted and told, and nobody is refused for them."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from redis.asyncio import Redis

from tests.integration.gateway.charged import CLIENT, send, settles_at, statuses, violated, written
from tests.integration.gateway.node import Node

StartNode = Callable[..., Awaitable[Node]]


async def test_shadow_counts_and_tells_and_refuses_nobody(start_node: StartNode, redis_client: Redis) -> None:
    node = await start_node(default_limit="3/h", shadow=True)
    answers = await send(node, *[b"/"] * 5)

    assert statuses(answers) == [200] * 5
    assert answers[-1].values("RateLimit-Policy") == answers[-1].values("RateLimit") == []
    await settles_at(redis_client, CLIENT, {("client", 3600): 3})
    record = await node.settled()
    assert (record.boot.admitted, record.boot.refused, record.boot.shadow_refused) == (5, 0, 2)
    _, metrics = await node.admin("/metrics")
    assert "gateway_shadow_refused_total 2\n" in metrics


async def test_a_plan_in_shadow_refuses_nobody_and_others_do(
    start_node: StartNode, redis_client: Redis, tmp_path: Path
) -> None:
    file = written(
        tmp_path,
        """
        [plans]
        trial = { limit = "1/h", shadow = true }
        [[clients]]
        name = "acme"
        plan = "trial"
        key = "acme-key"
        [[clients]]
        name = "beta"
        key = "beta-key"
        """,
    )
    routes = tmp_path / "routes.toml"
    routes.write_text('[[routes]]\nname = "search"\npath = "/search"\nlimit = "2/h"\n')
    node = await start_node(clients_file=file, routes_file=routes, default_limit="1/h")

    assert statuses(await send(node, *[b"/"] * 3, key=b"acme-key")) == [200] * 3
    assert statuses(await send(node, *[b"/"] * 2, key=b"beta-key")) == [200, 429]
    answers = await send(node, *[b"/search"] * 3, key=b"acme-key")
    assert statuses(answers) == [200, 200, 429]
    assert violated(answers[-1]) == ["route/search"]
    record = await node.settled()
    assert (record.boot.shadow_refused, record.boot.refused) == (4, 2)


async def test_shadow_passes_where_closed_would_refuse(start_node: StartNode) -> None:
    node = await start_node(redis_url="redis://127.0.0.1:1/0", on_store_failure="closed", shadow=True)

    assert statuses(await send(node, b"/")) == [200]
