"""Each setting does what it says. Those of bodies, upstream, drain and proxies are in files about these."""

import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.clock import monotonic
from gateway.contract import keys
from gateway.contract.client_id import key_digest, unknown_client_id
from loadtest import redis_server
from tests.integration.gateway.client import Answer
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Upstream

StartNode = Callable[..., Awaitable[Node]]

CLIENTS_FILE = f"""
[plans]
gold = "50/m"

[[clients]]
name = "acme"
plan = "gold"
key = "acme-key"

[[clients]]
name = "beta"
plan = "gold"
limit = "7/s"
key_sha256 = "{key_digest("beta-key")}"

[[clients]]
name = "plain"
key = ["plain-1", "plain-2"]
"""


async def get(node: Node, key: bytes = b"key-1") -> Answer:
    async with await node.connect() as client:
        return await client.get(key=key)


IETF = [b"RateLimit-Policy", b"RateLimit"]
LEGACY = [b"X-RateLimit-Limit", b"X-RateLimit-Remaining", b"X-RateLimit-Reset"]


@pytest.mark.parametrize(
    ("style", "fields"), [("ietf", IETF), ("legacy", LEGACY), ("both", IETF + LEGACY), ("off", [])]
)
async def test_ratelimit_headers_chooses_the_fields(
    start_node: StartNode, style: str, fields: list[bytes]
) -> None:
    node = await start_node(ratelimit_headers=style, default_limit="1/h")
    admitted, refused = await get(node), await get(node)

    for answer, status in ((admitted, 200), (refused, 429)):
        names = [line.split(b":")[0] for line in answer.lines]
        assert answer.status == status
        assert [name for name in names if b"ratelimit" in name.lower()] == fields
    assert refused.value("Retry-After") is not None


OF_THE_UPSTREAM = b"RateLimit: limit=100, remaining=4\r\nX-RateLimit-Limit: 5\r\nX-RateLimit-Used: 1"
KEPT = {"ietf": (1, b"5", b"1"), "legacy": (1, b"1", None), "both": (1, b"1", None), "off": (1, b"5", b"1")}


@pytest.mark.parametrize(("style", "kept"), KEPT.items())
async def test_ratelimit_headers_chooses_which_of_the_upstreams_are_replaced(
    start_node: StartNode, upstream: Upstream, style: str, kept: tuple[int, bytes, bytes | None]
) -> None:
    upstream.script = upstream.answering(b"HTTP/1.1 204 No Content\r\n" + OF_THE_UPSTREAM + b"\r\n\r\n")
    answer = await get(await start_node(ratelimit_headers=style, default_limit="1/h"))

    lists = answer.values("RateLimit")
    assert (len(lists), answer.value("X-RateLimit-Limit"), answer.value("X-RateLimit-Used")) == kept
    assert (lists == [b"limit=100, remaining=4"]) is (style in ("legacy", "off"))


async def test_default_limit_is_what_a_client_without_one_gets(start_node: StartNode) -> None:
    node = await start_node(default_limit="3/10m")
    answers = [await get(node) for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[0].value("RateLimit-Policy") == b'"default";q=3;w=600'
    document = json.loads(answers[3].body)
    assert document["type"].endswith("#quota-exceeded")
    assert document["violated-policies"] == ["default"]
    assert answers[3].value("Cache-Control") == b"no-store"
    assert int(answers[3].value("Retry-After") or 0) >= 1


async def test_clients_file_gives_clients_their_names_and_limits(
    start_node: StartNode, redis_client: Redis, tmp_path: Path
) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(CLIENTS_FILE)
    node = await start_node(clients_file=file)

    assert (await get(node, b"acme-key")).value("RateLimit-Policy") == b'"gold";q=50;w=60'
    assert (await get(node, b"beta-key")).value("RateLimit-Policy") == b'"client";q=7;w=1'
    first, second = await get(node, b"plain-1"), await get(node, b"plain-2")
    assert first.value("RateLimit-Policy") == b'"default";q=1000;w=60'
    assert b";r=998;" in (second.value("RateLimit") or b"")
    assert (await get(node, b"unknown")).status == 401
    assert await redis_client.exists(keys.window("acme", keys.CLIENT_SCOPE, 60, 0))


async def test_unknown_keys_are_rejected_where_the_settings_say_so(start_node: StartNode) -> None:
    node = await start_node(unknown_keys="reject")

    answer = await get(node)
    assert answer.status == 401
    assert answer.value("WWW-Authenticate") == b'Bearer realm="gateway"'


async def test_identity_secret_makes_the_client_ids(start_node: StartNode, redis_client: Redis) -> None:
    node = await start_node(identity_secret="s3cret")
    await get(node)

    key = keys.window(unknown_client_id("key-1", "s3cret"), keys.CLIENT_SCOPE, 60, 0)
    assert await redis_client.exists(key)


async def test_key_header_names_the_field_that_holds_the_key(start_node: StartNode, tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(CLIENTS_FILE)
    node = await start_node(clients_file=file, key_header="X-Token")

    async with await node.connect() as client:
        answer = await client.get(b"/", b"x-token: acme-key", key=None)
    assert answer.value("RateLimit-Policy") == b'"gold";q=50;w=60'
    refused = await get(node, b"acme-key")
    assert refused.status == 401
    assert b"send X-Token, or Authorization: Bearer" in refused.body


WITH_KEYS = [
    (b"X-API-Key: key-1",),
    (b"authorization: bearer key-1",),
    (b"X-API-Key: key-1", b"Authorization: Bearer key-1"),
]


@pytest.mark.parametrize("lines", WITH_KEYS)
@pytest.mark.parametrize("forward_key", [True, False])
async def test_forward_key_says_whether_the_key_goes_on(
    start_node: StartNode, upstream: Upstream, lines: tuple[bytes, ...], forward_key: bool
) -> None:
    node = await start_node(forward_key=forward_key)
    other = b"Authorization: Basic dXNlcjpwYXNz"
    async with await node.connect() as client:
        assert (await client.get(b"/", *lines, other, key=None)).status == 200

    seen = [line for line in upstream.requests[-1].lines if line.lower().startswith((b"auth", b"x-api"))]
    assert seen == ([*lines, other] if forward_key else [other])


async def test_a_key_that_stays_here_does_so_where_nobody_asked_for_it(
    start_node: StartNode, upstream: Upstream
) -> None:
    node = await start_node(forward_key=False, exempt="/free", key_header="X-Token")
    async with await node.connect() as client:
        await client.get(b"/free", b"x-token: a", b"Authorization: Bearer b", key=b"c")

    names = [line.split(b":")[0] for line in upstream.requests[-1].lines]
    assert names[:3] == [b"Host", b"X-API-Key", b"X-Forwarded-For"]
    assert b"Authorization" not in names


async def test_client_header_tells_the_upstream_the_clients_id(
    start_node: StartNode, upstream: Upstream, tmp_path: Path
) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(CLIENTS_FILE)
    node = await start_node(clients_file=file, client_header="X-Client-Id", exempt="/free")
    async with await node.connect() as client:
        await client.get(b"/", b"x-client-ID: root", key=b"acme-key")
        await client.get(b"/free", b"X-Client-Id: root", b"Connection: X-Client-Id", key=None)
        shadow = await client.get(b"/", b"X_Client_Id: root", key=b"acme-key")

    assert [seen.values("X-Client-Id") for seen in upstream.requests] == [[b"acme"], []]
    assert shadow.status == 400


async def test_without_client_header_such_a_field_is_the_clients_own(node: Node, upstream: Upstream) -> None:
    async with await node.connect() as client:
        await client.get(b"/", b"X-Client-Id: mine")

    assert upstream.requests[-1].values("X-Client-Id") == [b"mine"]


async def test_another_spelling_of_the_keys_field_is_refused(start_node: StartNode) -> None:
    node = await start_node(key_header="X-Token")
    async with await node.connect() as client:
        assert (await client.get(b"/", b"X_Token: a", b"X-Token: b", key=None)).status == 400


ON_STORE_FAILURE = {"local": [200, 200, 429], "open": [200, 200, 200], "closed": [503, 503, 503]}


@pytest.mark.parametrize(("policy", "statuses"), ON_STORE_FAILURE.items())
async def test_on_store_failure_decides_without_redis(
    start_node: StartNode, upstream: Upstream, policy: str, statuses: list[int]
) -> None:
    node = await start_node(on_store_failure=policy, redis_url="redis://127.0.0.1:1/0", default_limit="2/h")
    answers = [await get(node) for _ in statuses]

    assert [answer.status for answer in answers] == statuses
    assert len(upstream.requests) == statuses.count(200)
    if policy == "open":
        assert answers[0].values("RateLimit") == []
        assert answers[0].value("RateLimit-Policy") == b'"default";q=2;w=3600'
    if policy == "closed":
        assert json.loads(answers[0].body)["type"].endswith("#temporary-reduced-capacity")
        assert answers[0].value("Retry-After") == b"1"
    record = await node.settled()
    assert record.store.fallbacks == 3
    assert record.boot.failed == statuses.count(503)


async def test_store_deadline_bounds_the_wait_for_a_redis_that_hangs(start_node: StartNode) -> None:
    with redis_server.running() as server:
        node = await start_node(redis_url=server.url, store_deadline=0.2, on_store_failure="local")
        async with await node.connect() as client:
            await client.get()
            os.kill(server.pid, signal.SIGSTOP)
            try:
                started = monotonic()
                answer = await client.get()
                taken = monotonic() - started
            finally:
                os.kill(server.pid, signal.SIGCONT)

        assert answer.status == 200
        assert 0.2 <= taken < 1.5
        assert (await node.settled()).store.fallbacks == 1
        await node.shut_down()


async def test_node_id_is_told_to_the_upstream(start_node: StartNode, upstream: Upstream) -> None:
    await get(await start_node(node_id="edge-3"))

    assert upstream.requests[-1].values("Via") == [b"1.1 edge-3"]


async def test_an_upstream_url_may_end_in_a_slash(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(upstream_url=upstream.url + "/")

    assert (await get(node)).status == 200


async def test_a_node_with_unknown_keys_says_what_they_get(
    start_node: StartNode, caplog: pytest.LogCaptureFixture
) -> None:
    await start_node(default_limit="9/m")

    assert "each new key is a new client with 9/m" in caplog.text
