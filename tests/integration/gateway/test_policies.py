"""Several windows, plans and addresses, on real nodes with a real Redis; and what is published of it all."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import LIMIT_FIELD, Override
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import decode, encode
from tests.integration.gateway.charged import CLIENT, send, settles_at, statuses, violated, written
from tests.integration.gateway.node import Node, eventually

StartNode = Callable[..., Awaitable[Node]]


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


async def test_a_node_publishes_all_of_it_and_no_key(
    start_node: StartNode, redis_client: Redis, tmp_path: Path
) -> None:
    node = await start_node(
        default_limit="10/s,500/m",
        default_concurrency=9,
        address_limit="50/s",
        routes_file=written(tmp_path, '[[routes]]\nname = "search"\npath = "/search"\nlimit = "2/h"\n'),
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
    assert [route.name for route in table.routes] == ["search"]
    assert (table.exempt, table.allow, table.deny) == (("OPTIONS", "/health"), ("10.0.0.0/8",), (CLIENT,))
