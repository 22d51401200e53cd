"""What a node says of itself in Redis."""

from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from redis.asyncio import Redis

from gateway.contract import keys, policy_table
from gateway.contract.limits import parse_limits
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import (
    FORGET_AFTER_SECONDS,
    STREAM_FIELD,
    TELEMETRY_STREAM,
    Totals,
    decode,
    encode,
)
from gateway.contract.sketches import estimate_clients
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.published import entry, records
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_a_record_is_published_each_second(node: Node, redis_client: Redis) -> None:
    published = await eventually(lambda: records(redis_client), lambda seen: len(seen) >= 3)

    assert [record.sequence for record in published[:3]] == [1, 2, 3]
    assert {record.boot_id for record in published} == {(await node.record()).boot_id}
    gaps = [later.at - earlier.at for earlier, later in pairwise(published)]
    assert all(0.5 < gap < 2.0 for gap in gaps)
    seconds, microseconds = await redis_client.time()
    assert abs(published[-1].at - seconds - microseconds / 1e6) < 1.5


async def test_totals_are_exact_by_outcome(
    start_node: StartNode, upstream: Upstream, redis_client: Redis
) -> None:
    async def script(peer: Peer) -> None:
        while True:
            head = await upstream.take(peer)
            await peer.send(b"nonsense\r\n\r\n" if head.start_line.startswith(b"POST") else OK)

    upstream.script = script
    node = await start_node(default_limit="10/h")
    async with await node.connect() as client:
        for _ in range(9):
            await client.get()
        assert (await client.get(method=b"POST")).status == 502
        for _ in range(5):
            await client.get()
        for _ in range(3):
            await client.get(key=None)
        await client.send(b"BREW / HTTP/1.1\r\n\r\n")
        await client.answer()
    await node.shut_down()

    last = (await entry(redis_client)).last
    assert last.boot == Totals(requests=18, admitted=9, refused=5, failed=1, unidentified=3)
    assert last.malformed == 1
    assert last.store.decisions + last.store.remembered == 15
    assert sum(count for _, count in last.latency) == 10
    assert sum(count for _, count in last.upstream_latency) == 9
    assert (last.busiest[0].units, last.most_refused[0].units) == (15, 5)
    assert estimate_clients(last.clients) == 1


async def test_the_next_boot_carries_the_totals_on(start_node: StartNode, redis_client: Redis) -> None:
    boots = []
    for requests in (3, 4, 5):
        node = await start_node()
        async with await node.connect() as client:
            for _ in range(requests):
                await client.get()
        await eventually(lambda: entry(redis_client), lambda seen: not seen.last.leaving)
        boots.append((await node.record()).boot_id)
        await node.shut_down()

    last = (await entry(redis_client)).last
    assert len(set(boots)) == 3
    assert last.boot.admitted == 5
    assert last.carried.admitted == 7
    assert last.sequence >= 1


async def test_the_roster_says_where_a_node_is_reached(start_node: StartNode, redis_client: Redis) -> None:
    node = await start_node(host="127.0.0.1", advertise_host="gateway-1.example", node_id="node-7")
    seen = await entry(redis_client, "node-7")

    assert seen.address == f"gateway-1.example:{node.port}"
    assert seen.admin_address == f"gateway-1.example:{node.admin_port}"


async def test_the_policy_table_is_published_under_its_digest(
    start_node: StartNode, redis_client: Redis
) -> None:
    await start_node(default_limit="7/m", on_store_failure="closed")
    digest = (await entry(redis_client)).policy_digest
    text = await redis_client.get(keys.policy_table(digest))

    assert text is not None
    table = decode(PolicyTable, text)
    assert table.default == parse_limits("7/m")
    assert (table.unknown_keys, table.on_store_failure) == ("accept", "closed")
    assert table.digest() == digest
    assert await redis_client.ttl(keys.policy_table(digest)) > policy_table.LIFETIME_SECONDS - 60


async def test_the_stream_is_capped(start_node: StartNode, redis_client: Redis) -> None:
    async with redis_client.pipeline() as pipeline:
        for _ in range(2000):
            pipeline.xadd(keys.TELEMETRY, {STREAM_FIELD: "old"})
        await pipeline.execute()
    await start_node()
    await entry(redis_client)

    # approximate trimming leaves at most one node of the stream's tree, a hundred entries, above the cap
    assert await redis_client.xlen(keys.TELEMETRY) <= TELEMETRY_STREAM.seconds + 100


async def test_nodes_that_left_long_ago_are_cleared_and_others_are_not(
    start_node: StartNode, redis_client: Redis
) -> None:
    node = await start_node()
    await node.shut_down()
    left = await entry(redis_client)
    text = encode(left)
    now = left.last.at
    long_ago = text.replace(f'"at":{now!r}', f'"at":{now - FORGET_AFTER_SECONDS - 5!r}')
    assert long_ago != text
    await redis_client.hset(
        keys.NODES,
        mapping={
            "gone": long_ago,
            "just-left": text,
            "crashed": long_ago.replace('"leaving":true', '"leaving":false'),
            "garbage": "oops",
        },
    )
    await start_node(node_id="node-2")
    await entry(redis_client, "node-2")

    assert set(await redis_client.hkeys(keys.NODES)) == {
        "node-1",
        "just-left",
        "crashed",
        "garbage",
        "node-2",
    }


async def test_publishing_goes_on_when_redis_was_emptied(node: Node, redis_client: Redis) -> None:
    await entry(redis_client)
    await redis_client.flushall()

    assert (await entry(redis_client)).last.boot_id == (await node.record()).boot_id


async def test_a_redis_that_refuses_a_record_is_told_once(
    start_node: StartNode, redis_client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    await redis_client.set(keys.TELEMETRY, "no stream")

    def told() -> list[str]:
        return [record.getMessage() for record in caplog.records if "WRONGTYPE" in record.getMessage()]

    node = await start_node()
    await eventually(node.record, lambda record: record.sequence >= 3)
    assert len(told()) == 1
    async with await node.connect() as client:
        assert (await client.get()).status == 200

    await redis_client.delete(keys.TELEMETRY)
    await eventually(lambda: records(redis_client), len)
