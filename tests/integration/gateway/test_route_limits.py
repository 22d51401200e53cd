"""Limits and costs of routes, on real nodes with a real Redis."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import LIMIT_FIELD, Override
from gateway.contract.records import encode
from tests.integration.gateway.charged import CLIENT, send, settles_at, statuses, violated, written
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Upstream

StartNode = Callable[..., Awaitable[Node]]
SEARCH = """
[[routes]]
name = "search"
path = "/api/search"
methods = ["GET"]
limit = "2/h"
"""
ROUTES = (
    SEARCH
    + """
[[routes]]
name = "export"
path = "/export"
cost = 5
"""
)


async def test_a_route_has_a_limit_beside_the_clients(
    start_node: StartNode, redis_client: Redis, tmp_path: Path
) -> None:
    node = await start_node(default_limit="5/h", routes_file=written(tmp_path, ROUTES))
    answers = await send(node, *[b"/api/search?q=1"] * 4, *[b"/other"] * 4)

    assert statuses(answers) == [200, 200, 429, 429, 200, 200, 200, 429]
    assert answers[0].value("RateLimit-Policy") == b'"default";q=5;w=3600, "route/search";q=2;w=3600'
    assert violated(answers[2]) == ["route/search"]
    assert answers[4].value("RateLimit-Policy") == b'"default";q=5;w=3600'
    assert violated(answers[7]) == ["default"]
    await settles_at(redis_client, CLIENT, {("client", 3600): 5, ("route/search", 3600): 2})


async def test_a_client_whose_own_limit_refuses_takes_nothing_of_the_routes(
    start_node: StartNode, redis_client: Redis, tmp_path: Path
) -> None:
    node = await start_node(default_limit="1/h", routes_file=written(tmp_path, SEARCH))
    answers = await send(node, b"/api/search", b"/api/search")

    assert violated(answers[1]) == ["default"]
    await settles_at(redis_client, CLIENT, {("client", 3600): 1, ("route/search", 3600): 1})


async def test_another_method_is_none_of_the_route(
    start_node: StartNode, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.script = upstream.answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    node = await start_node(routes_file=written(tmp_path, ROUTES))

    assert statuses(await send(node, *[b"/api/search"] * 4, method=b"DELETE")) == [200] * 4
    assert statuses(await send(node, *[b"/api/search"] * 3, method=b"HEAD")) == [200, 200, 429]


async def test_a_request_may_cost_more_than_one(
    start_node: StartNode, redis_client: Redis, tmp_path: Path
) -> None:
    node = await start_node(default_limit="12/h,100/d", routes_file=written(tmp_path, ROUTES))
    answers = await send(node, b"/export", b"/export/all", b"/export", b"/", b"/", b"/")

    assert statuses(answers) == [200, 200, 429, 200, 200, 429]
    assert "counts as 5" in json.loads(answers[2].body)["detail"]
    await settles_at(redis_client, CLIENT, {("client", 3600): 12, ("client", 86400): 12})


async def test_an_override_below_a_routes_cost_refuses_that_route_and_no_other(
    start_node: StartNode, redis_client: Redis, tmp_path: Path
) -> None:
    override = encode(Override(parse_limits("3/h"), by="test", at=1.0))
    await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override)
    node = await start_node(routes_file=written(tmp_path, ROUTES))
    answers = await send(node, b"/export", b"/", b"/export", b"/", b"/")

    assert statuses(answers) == [429, 200, 429, 200, 200]
    assert violated(answers[0]) == ["override"]
    assert 1 <= int(answers[0].value("Retry-After") or 0) <= 3700
    await settles_at(redis_client, CLIENT, {("client", 3600): 3})


@pytest.mark.parametrize(
    "target",
    [
        b"/api/%73earch",
        b"//api/search",
        b"/api//search?x",
        b"/x/../api/search",
        b"/api/./search",
        b"/%61pi/x/%2e%2e/search",
        b"/api%2Fsearch",
        b"/x/..%2fapi/search",
        b"/api/search;v=1",
    ],
)
async def test_no_way_to_write_a_path_escapes_its_limit_and_it_goes_through_as_it_came(
    start_node: StartNode, upstream: Upstream, tmp_path: Path, target: bytes
) -> None:
    node = await start_node(routes_file=written(tmp_path, ROUTES))
    answers = await send(node, b"/api/search", target, target)

    assert statuses(answers) == [200, 200, 429]
    assert violated(answers[2]) == ["route/search"]
    assert upstream.requests[1].start_line == b"GET " + target + b" HTTP/1.1"
