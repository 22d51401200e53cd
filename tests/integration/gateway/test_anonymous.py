"""Requests without a key, where their address may stand for one."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from tests.integration.gateway.client import Answer
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Upstream

StartNode = Callable[..., Awaitable[Node]]


async def get(node: Node, *lines: bytes) -> Answer:
    async with await node.connect() as client:
        return await client.get(b"/", *lines, key=None)


async def test_without_a_key_nobody_is_a_client_by_default(node: Node, upstream: Upstream) -> None:
    answer = await get(node)

    assert answer.status == 401
    assert upstream.requests == []


async def test_without_a_key_an_address_is_a_client_under_the_default_limit(
    start_node: StartNode, redis_client: Redis
) -> None:
    node = await start_node(anonymous="address", default_limit="2/h")
    answers = [await get(node) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[0].value("RateLimit-Policy") == b'"default";q=2;w=3600'
    assert await redis_client.exists(keys.window("127.0.0.1", keys.CLIENT_SCOPE, 3600, 0))
    record = await eventually(node.record, lambda record: record.busiest)
    assert [one.client for one in record.busiest] == ["127.0.0.1"]
    assert record.boot.unidentified == 0


BAD_KEYS = [b"X-API-Key:", b"X-API-Key: a b", b"Authorization: Bearer", b"X-API-Key: not-registered"]


@pytest.mark.parametrize("line", BAD_KEYS)
async def test_a_bad_key_is_not_taken_for_none(start_node: StartNode, line: bytes) -> None:
    node = await start_node(anonymous="address", unknown_keys="reject")

    assert (await get(node, line)).status == 401
    assert (await get(node, b"Authorization: Basic dXNlcjpwYXNz")).status == 200


async def test_the_limit_of_addresses_holds_without_a_key_too(start_node: StartNode, tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    file.write_text('[[clients]]\nname = "acme"\nkey = "acme-key"\n')
    node = await start_node(anonymous="address", clients_file=file, address_limit="1/h")

    answers = [await get(node), await get(node), await get(node, b"X-API-Key: acme-key")]

    assert [answer.status for answer in answers] == [200, 429, 200]
    assert answers[0].value("RateLimit-Policy") == b'"default";q=1000;w=60, "address";q=1;w=3600'
    assert answers[2].value("RateLimit-Policy") == b'"default";q=1000;w=60'
