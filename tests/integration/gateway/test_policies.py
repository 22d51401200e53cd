"""Several windows, routes, exemptions, lists, addresses and shadow, on real nodes with a real Redis."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from gateway.contract.codec import decode, encode
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import LIMIT_FIELD, Override
from gateway.contract.policy_table import PolicyTable
from tests.integration.gateway.client import Answer, request
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Upstream, reset_at_close

StartNode = Callable[..., Awaitable[Node]]
CLIENT = unknown_client_id("key-1", DEFAULT_SECRET)


async def send(node: Node, *targets: bytes, **options: Any) -> list[Answer]:
    """The answers to requests for these targets, one after the other on one connection."""
    async with await node.connect() as client:
        return [await client.get(target, **options) for target in targets]


def statuses(answers: list[Answer]) -> list[int]:
    return [answer.status for answer in answers]


def violated(answer: Answer) -> list[str]:
    names: list[str] = json.loads(answer.body)["violated-policies"]
    return names


async def counted(redis: Redis, client: str, scope: str, period_seconds: int) -> int:
    """The units that stand in a window, as soon as those that were refused are given back."""

    async def read() -> list[int]:
        key = keys.window(client, scope, period_seconds, 0)
        both = []
        for _ in range(2):
            both.append(sum(map(int, (await redis.hgetall(key)).values())))
        return both

    return (await eventually(read, lambda both: both[0] == both[1]))[0]


async def settles_at(redis: Redis, client: str, windows: dict[tuple[str, int], int]) -> None:
    """Wait until these windows hold so many units; refunds come some milliseconds later."""

    async def read() -> dict[tuple[str, int], int]:
        return {window: await counted(redis, client, *window) for window in windows}

    await eventually(read, lambda found: found == windows)


def written(folder: Path, text: str) -> Path:
    path = folder / "policies.toml"
    path.write_text(text)
    return path


async def test_all_windows_admit_or_none_is_charged(start_node: StartNode, redis_client: Redis) -> None:
    node = await start_node(default_limit="50/2h,5/h,100/d")
    answers = await send(node, *[b"/"] * 9)

    assert statuses(answers) == [200] * 5 + [429] * 4
    assert violated(answers[-1]) == ["default/h"]
    await settles_at(redis_client, CLIENT, {("client", 3600): 5, ("client", 7200): 5, ("client", 86400): 5})
    assert answers[0].value("RateLimit-Policy") == (
        b'"default/h";q=5;w=3600, "default/2h";q=50;w=7200, "default/d";q=100;w=86400'
    )
    told = (answers[4].value("RateLimit") or b"").split(b", ")
    assert [item.split(b";t=")[0] for item in told] == [
        b'"default/h";r=0',
        b'"default/2h";r=45',
        b'"default/d";r=95',
    ]
    assert int(answers[5].value("Retry-After") or 0) > 3500


async def test_windows_hold_over_all_nodes_together(start_node: StartNode, redis_client: Redis) -> None:
    nodes = [await start_node(node_id=f"node-{n}", default_limit="6/h,8/2h") for n in (1, 2)]
    found = [status for node in nodes * 2 for status in statuses(await send(node, b"/", b"/", b"/"))]

    assert found.count(200) == 6
    await settles_at(redis_client, CLIENT, {("client", 3600): 6, ("client", 7200): 6})


async def test_a_plan_a_client_and_an_override_may_have_several_windows(
    start_node: StartNode, redis_client: Redis, tmp_path: Path
) -> None:
    file = written(
        tmp_path,
        """
        [plans]
        gold = { limit = "9/m,2/s", concurrency = 4 }
        [[clients]]
        name = "acme"
        plan = "gold"
        key = "acme-key"
        """,
    )
    node = await start_node(clients_file=file)

    async def announced() -> bytes | None:
        return (await send(node, b"/", key=b"acme-key"))[0].value("RateLimit-Policy")

    at_once = b', "concurrency";q=4;qu="concurrent-requests"'
    assert await announced() == b'"gold/s";q=2;w=1, "gold/m";q=9;w=60' + at_once
    override = encode(Override(parse_limits("3/m,40/d"), by="test", at=1.0))
    await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + "acme", override)
    wanted = b'"override/m";q=3;w=60, "override/d";q=40;w=86400' + at_once
    await eventually(announced, lambda value: value == wanted)


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


async def test_an_address_gets_so_much_over_ever_fresh_keys(
    start_node: StartNode, redis_client: Redis
) -> None:
    node = await start_node(default_limit="100/h", address_limit="5/h,50/d")
    answers = [(await send(node, b"/", key=b"fresh-%d" % n))[0] for n in range(8)]

    assert statuses(answers) == [200] * 5 + [429] * 3
    assert violated(answers[-1]) == ["address/h"]
    assert (answers[0].value("RateLimit-Policy") or b"").endswith(
        b'"address/h";q=5;w=3600, "address/d";q=50;w=86400'
    )
    await settles_at(redis_client, "127.0.0.1", {("address", 3600): 5, ("address", 86400): 5})
    refused = unknown_client_id("fresh-7", DEFAULT_SECRET)
    await settles_at(redis_client, refused, {("client", 3600): 0})


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


async def test_a_node_publishes_all_of_it_and_no_key(
    start_node: StartNode, redis_client: Redis, tmp_path: Path
) -> None:
    node = await start_node(
        default_limit="10/s,500/m",
        default_concurrency=9,
        address_limit="50/s",
        routes_file=written(tmp_path, ROUTES),
        exempt="OPTIONS, /health",
        allow="10.0.0.0/8",
        deny=CLIENT,
    )
    digest = (await node.state()).policy_digest

    async def published() -> str | None:
        text = await redis_client.get(keys.policy_table(digest))
        return None if text is None else str(text)

    text = await eventually(published, lambda found: found is not None)
    table = decode(PolicyTable, text or "")
    assert table.digest() == digest
    assert str(table.default) == "10/s,500/m"
    assert (table.default_concurrency, str(table.address_limit), table.shadow) == (9, "50/s", False)
    assert [route.name for route in table.routes] == ["search", "export"]
    assert (table.exempt, table.allow, table.deny) == (("OPTIONS", "/health"), ("10.0.0.0/8",), (CLIENT,))
