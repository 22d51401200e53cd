"""Who passes uncounted, and who not at all: what is exempt, who is allowed, who is denied."""

import json
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from tests.integration.gateway.charged import CLIENT, send, statuses
from tests.integration.gateway.client import request
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Upstream, reset_at_close

StartNode = Callable[..., Awaitable[Node]]


async def test_what_is_exempt_needs_no_key_is_not_counted_and_goes_through(
    start_node: StartNode, upstream: Upstream, redis_client: Redis
) -> None:
    node = await start_node(default_limit="1/h", exempt="OPTIONS, GET /health, /assets/*")
    targets = [b"/health?x", b"/assets/a.js", b"/health"]

    answers = await send(node, *targets, key=None) + await send(node, *targets)
    answers += await send(node, b"/anything", method=b"OPTIONS", key=None)

    assert statuses(answers) == [200] * 7
    assert answers[0].values("RateLimit-Policy") == []
    assert len(upstream.requests) == 7
    assert await redis_client.keys("ratelimit:{*") == []
    record = await node.settled()
    assert (record.boot.admitted, record.boot.requests, record.store.decisions) == (7, 7, 0)


async def test_nothing_else_sneaks_out_as_exempt(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(exempt="OPTIONS, GET /health, /assets/*")
    targets = [
        b"/health/",
        b"/%68ealth",
        b"/assets/../x",
        b"/assets/%2e%2e/x",
        b"/assets/..%2fx",
        b"//health",
    ]

    assert statuses(await send(node, *targets, key=None)) == [401] * 6
    assert statuses(await send(node, b"/health", method=b"POST", key=None)) == [401]
    assert upstream.requests == []


async def test_what_is_exempt_passes_also_where_nobody_does_without_redis(start_node: StartNode) -> None:
    node = await start_node(redis_url="redis://127.0.0.1:1/0", on_store_failure="closed", exempt="/health")

    assert statuses(await send(node, b"/health", b"/")) == [200, 503]


async def test_who_is_allowed_has_no_limits(start_node: StartNode, redis_client: Redis) -> None:
    node = await start_node(default_limit="1/h", default_concurrency=1, allow=CLIENT)

    answers = await send(node, *[b"/"] * 4)
    assert statuses(answers) == [200] * 4
    assert answers[0].values("RateLimit-Policy") == []
    assert statuses(await send(node, b"/", b"/", key=b"key-2")) == [200, 429]
    assert await redis_client.keys(f"ratelimit:{{{CLIENT}}}*") == []


async def test_who_is_denied_gets_a_403_and_is_counted_as_refused(
    start_node: StartNode, upstream: Upstream, redis_client: Redis
) -> None:
    node = await start_node(deny=CLIENT)
    (answer,) = await send(node, b"/")

    assert answer.status == 403
    assert answer.value("Content-Type") == b"application/problem+json"
    assert answer.value("Cache-Control") == b"no-store"
    assert json.loads(answer.body)["type"] == "about:blank"
    assert statuses(await send(node, b"/", key=b"key-2")) == [200]
    assert len(upstream.requests) == 1
    assert await redis_client.keys(f"ratelimit:{{{CLIENT}}}*") == []
    record = await node.settled()
    assert (record.boot.refused, record.boot.denied, record.boot.admitted) == (1, 1, 1)


async def test_a_denied_address_is_refused_without_a_key_and_also_where_it_is_allowed(
    start_node: StartNode, upstream: Upstream
) -> None:
    node = await start_node(deny="127.0.0.0/8", allow="127.0.0.1", exempt="/health")

    assert statuses(await send(node, b"/", b"/health", key=None)) == [403, 403]
    assert upstream.requests == []
    record = await node.settled()
    assert (record.boot.refused, record.boot.unidentified) == (2, 0)


async def test_a_denied_address_that_resets_its_connection_at_once_is_still_that_address(
    start_node: StartNode, upstream: Upstream
) -> None:
    """What came before the reset is read, when no socket tells any more who sent it."""
    node = await start_node(deny="127.0.0.0/8", exempt="POST /hook")
    for _ in range(50):
        async with await node.connect() as client:
            reset_at_close(client.writer.transport)
            client.writer.write(request(b"/hook", method=b"POST", key=None))

    assert statuses(await send(node, b"/hook", method=b"POST", key=None)) == [403]
    assert upstream.requests == []
