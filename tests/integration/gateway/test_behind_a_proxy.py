"""Who is asking, with a trusted proxy in front and without; and what the services are told of it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from tests.certificates import Authority
from tests.integration.gateway.client import Answer, Client
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Upstream

StartNode = Callable[..., Awaitable[Node]]

ONE = b"X-Forwarded-For: 203.0.113.1"
OTHER = b"X-Forwarded-For: 6.6.6.6, 203.0.113.2"
HERE = "127.0.0.0/8"


async def get(node: Node, *lines: bytes, key: bytes | None = None) -> Answer:
    async with await node.connect() as client:
        return await client.get(b"/", *lines, key=key)


async def test_behind_a_trusted_proxy_each_address_is_a_client(
    start_node: StartNode, redis_client: Redis
) -> None:
    node = await start_node(anonymous="address", default_limit="1/h", trusted_proxies=HERE)

    answers = [await get(node, line) for line in (ONE, ONE, OTHER)]

    assert [answer.status for answer in answers] == [200, 429, 200]
    for address in ("203.0.113.1", "203.0.113.2"):
        assert await redis_client.exists(keys.window(address, keys.CLIENT_SCOPE, 3600, 0))


async def test_a_client_cannot_choose_its_address(start_node: StartNode, redis_client: Redis) -> None:
    node = await start_node(anonymous="address", default_limit="1/h")

    answers = [await get(node, line) for line in (ONE, OTHER, b"Forwarded: for=203.0.113.3")]

    assert [answer.status for answer in answers] == [200, 429, 429]
    assert await redis_client.exists(keys.window("127.0.0.1", keys.CLIENT_SCOPE, 3600, 0))


async def test_limits_of_addresses_go_by_the_clients(start_node: StartNode) -> None:
    node = await start_node(address_limit="1/h", trusted_proxies=HERE)

    first = [await get(node, ONE, key=key) for key in (b"a", b"b")]
    second = await get(node, OTHER, key=b"c")

    assert [answer.status for answer in first] == [200, 429]
    assert second.status == 200


async def test_lists_go_by_the_clients_address(start_node: StartNode) -> None:
    node = await start_node(
        deny="203.0.113.1", allow="203.0.113.2", default_limit="1/h", trusted_proxies=HERE
    )

    denied = await get(node, ONE, key=b"a")
    allowed = [await get(node, OTHER, key=b"a") for _ in range(2)]
    counted = [await get(node, key=b"a") for _ in range(2)]

    assert denied.status == 403
    assert [answer.status for answer in allowed + counted] == [200, 200, 200, 429]


UNCLEAR = [
    (b"X-Forwarded-For: unknown", b"names no address"),
    (b"Forwarded: for=1.1.1.1", b"different clients"),
    (b'Forwarded: for="1.1.1.1', b"not well-formed"),
    (b"X-Forwarded-Proto: gopher", b"no scheme"),
]


@pytest.mark.parametrize(("line", "reason"), UNCLEAR)
async def test_what_a_trusted_proxy_says_unclearly_is_refused(
    start_node: StartNode, upstream: Upstream, line: bytes, reason: bytes
) -> None:
    node = await start_node(trusted_proxies=HERE)
    lines = (line,) if line.startswith(b"X-Forwarded-For") else (ONE, line)
    async with await node.connect() as client:
        refused = await client.get(b"/", *lines)
        served = await client.get(b"/", ONE)

    assert (refused.status, served.status) == (400, 200)
    assert reason in refused.body
    assert len(upstream.requests) == 1
    assert (await node.settled()).malformed == 1


CLAIMS = (
    b"X-Real-IP: 6.6.6.6",
    b"X-FORWARDED-Port: 443",
    b"X-Forwarded-User: root",
    b"CF-Connecting-IP: 6.6.6.6",
)
REWRITTEN = (
    b"x-forwarded-FOR: 203.0.113.1",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Host: shop.example",
    b"Forwarded: for=203.0.113.1;proto=https",
)


async def test_what_clients_claim_does_not_go_on(node: Node, upstream: Upstream) -> None:
    await get(node, *CLAIMS, *REWRITTEN, b"X-Other: 1", key=b"key-1")

    assert upstream.requests[-1].lines[:-1] == (
        b"Host: service.example",
        b"X-Other: 1",
        b"X-API-Key: key-1",
        b"X-Forwarded-For: 127.0.0.1",
        b"X-Forwarded-Proto: http",
        b"X-Forwarded-Host: service.example",
        b"Forwarded: for=127.0.0.1;host=service.example;proto=http",
        b"Via: 1.1 node-1",
    )


async def test_what_a_trusted_proxy_says_goes_on(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(trusted_proxies=HERE)
    await get(node, *CLAIMS, *REWRITTEN, key=b"key-1")

    assert upstream.requests[-1].lines[:-1] == (
        b"Host: service.example",
        *CLAIMS,
        b"X-API-Key: key-1",
        b"X-Forwarded-For: 203.0.113.1, 127.0.0.1",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: shop.example",
        b"Forwarded: for=203.0.113.1;host=shop.example;proto=https, for=127.0.0.1",
        b"Via: 1.1 node-1",
    )


SHADOWS = [b"X_Forwarded_For: 1.1.1.1", b"x-forwarded_ssl: on", b"X_Real_IP: 1.1.1.1", b"X_Original_URL: /"]


@pytest.mark.parametrize("line", SHADOWS)
async def test_claims_are_not_let_in_by_another_spelling(node: Node, upstream: Upstream, line: bytes) -> None:
    assert (await get(node, line, key=b"key-1")).status == 400
    assert upstream.requests == []


async def test_by_tls_the_scheme_is_https(start_node: StartNode, upstream: Upstream, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.sign()
    node = await start_node(tls_cert=certificate, tls_key=key)
    async with await Client.connect(node.port, authority.client()) as client:
        await client.get(b"/", b"X-Forwarded-Proto: http")

    assert upstream.requests[-1].values("X-Forwarded-Proto") == [b"https"]
    assert upstream.requests[-1].values("Forwarded") == [b"for=127.0.0.1;host=service.example;proto=https"]
