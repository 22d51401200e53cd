"""API keys that an attacker chooses reach no other client's counter, and no other key of Redis."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from gateway.contract import client_id, keys
from tests.integration.gateway.client import Answer, Client
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.processes import NodeProcess, node_process
from tests.integration.gateway.upstream import Upstream

SECRET = "identity-secret"
LIMIT = 10
VICTIM_KEY = "ordinary"
VICTIM_ID = client_id.unknown_client_id(VICTIM_KEY, SECRET)

USABLE = (
    "{a}b",
    "{a}",
    "}{",
    "*",
    "..",
    "../../etc/passwd",
    "?[a-z]*",
    "*3",
    "$7",
    "+OK",
    "*1\\r\\n$8\\r\\nFLUSHALL\\r\\n",
    "%0d%0aFLUSHALL%0d%0a",
    "ratelimit:nodes",
    "limit:acme",
    "acme",
    "{acme}",
    "acme}:client:3600:0",
    keys.window("acme", keys.CLIENT_SCOPE, 3600, 0),
    VICTIM_ID,
    keys.window(VICTIM_ID, keys.CLIENT_SCOPE, 3600, 0),
    VICTIM_KEY + "/",
    VICTIM_KEY.upper(),
    "'\"`$(id)",
    "z" * client_id.MAX_KEY_LENGTH,
)
UNUSABLE = {
    b"z" * (client_id.MAX_KEY_LENGTH + 1): {401},
    b"z" * 4096: {401},
    b"z" * 9000: {431},
    b"": {401},
    b"or dinary": {401},
    b"ordinary\xff": {401},
    "ördinary".encode(): {401},
    b"ordinary\x00": {400},
    b"*3\r\n$7\r\nHINCRBY\r\n$1\r\na": {400},
    b"x\nFLUSHALL": {400},
    b"z\r\nX-API-Key: ordinary": {401},
    b"z\r\nAuthorization: Bearer ordinary": {401},
}
INNOCENT = {"ratelimit:nodes", "acme", "{acme}", VICTIM_ID, keys.window("acme", keys.CLIENT_SCOPE, 3600, 0)}
INNOCENT |= {keys.window(VICTIM_ID, keys.CLIENT_SCOPE, 3600, 0), "acme}:client:3600:0"}
"""Keys that look like what is in Redis anyway."""

SETTINGS = {
    "NODE_ID": "node-1",
    "GATEWAY_DEFAULT_LIMIT": f"{LIMIT}/h",
    "GATEWAY_IDENTITY_SECRET": SECRET,
    "GATEWAY_LOG_LEVEL": "debug",
    "GATEWAY_STORE_DEADLINE": "2",
}


async def sent(node: NodeProcess, key: bytes) -> list[int]:
    """The answers to a key in each of its fields, by status."""
    statuses = []
    for field in (b"X-API-Key: ", b"Authorization: Bearer "):
        async with await node.connect() as client:
            statuses.append((await client.get(b"/", field + key, key=None)).status)
    return statuses


async def use(client: Client, key: str, times: int) -> list[int]:
    answers: list[Answer] = [await client.get(key=key.encode()) for _ in range(times)]
    return [answer.status for answer in answers]


async def all_keys(redis: Redis) -> set[str]:
    return {key async for key in redis.scan_iter()}


async def counters(redis: Redis) -> dict[str, int]:
    """The units in every window that is there."""
    found = [key for key in await all_keys(redis) if await redis.type(key) == "hash" and key != keys.NODES]
    return {key: sum(map(int, (await redis.hgetall(key)).values())) for key in found}


async def dump(redis: Redis) -> str:
    """All values, and the names of their keys."""
    read: dict[str, Any] = {"hash": redis.hgetall, "stream": redis.xrange, "string": redis.get}
    return "\n".join(
        [f"{key} {await read[str(await redis.type(key))](key)}" for key in await all_keys(redis)]
    )


def windows(ids: Iterable[str]) -> set[str]:
    return {keys.window(each, keys.CLIENT_SCOPE, 3600, 0) for each in ids}


def not_windows(found: Iterable[str]) -> set[str]:
    return {re.sub(r"[0-9a-f]{16}$", "<digest>", key) for key in found}


INFRASTRUCTURE = {keys.NODES, keys.TELEMETRY, keys.policy_table("<digest>")}


async def test_an_unknown_key_is_a_client_of_its_own_whatever_it_says(
    redis_url: str, redis_client: Redis, upstream: Upstream, tmp_path: Path
) -> None:
    ids = {key: client_id.unknown_client_id(key, SECRET) for key in USABLE}
    assert len({*ids.values(), VICTIM_ID}) == len(USABLE) + 1
    settings = SETTINGS | {"REDIS_URL": redis_url, "GATEWAY_UPSTREAM_URL": upstream.url}
    async with node_process(tmp_path, **settings) as node, await node.connect() as victim:
        assert await use(victim, VICTIM_KEY, 3) == [200] * 3
        for key in USABLE:
            assert await sent(node, key.encode()) == [200, 200], key
        for unusable, statuses in UNUSABLE.items():
            assert set(await sent(node, unusable)) == statuses, unusable[:40]
        expected = dict.fromkeys(windows(ids.values()), 2) | dict.fromkeys(windows([VICTIM_ID]), 3)
        await eventually(lambda: redis_client.exists(keys.TELEMETRY), bool)

        assert await counters(redis_client) == expected
        assert not_windows(await all_keys(redis_client) - expected.keys()) == INFRASTRUCTURE
        said = await dump(redis_client) + node.log.read_text()
        assert [key for key in USABLE if key in said and key not in INNOCENT] == []
        assert await use(victim, VICTIM_KEY, LIMIT) == [200] * (LIMIT - 3) + [429] * 3


async def test_where_clients_are_registered_no_other_key_reaches_redis(
    redis_url: str, redis_client: Redis, upstream: Upstream, tmp_path: Path
) -> None:
    clients = tmp_path / "clients.toml"
    clients.write_text('[[clients]]\nname = "acme"\nkey = "acmes-own-key"\n')
    settings = SETTINGS | {"REDIS_URL": redis_url, "GATEWAY_UPSTREAM_URL": upstream.url}
    async with (
        node_process(tmp_path, **settings, GATEWAY_CLIENTS_FILE=str(clients)) as node,
        await node.connect() as acme,
    ):
        assert await use(acme, "acmes-own-key", 3) == [200] * 3
        for key in USABLE:
            assert await sent(node, key.encode()) == [401, 401], key
        for unusable, statuses in UNUSABLE.items():
            assert set(await sent(node, unusable)) == statuses, unusable[:40]
        await eventually(lambda: redis_client.exists(keys.TELEMETRY), bool)

        (window,) = windows(["acme"])
        assert await counters(redis_client) == {window: 3}
        assert not_windows(await all_keys(redis_client) - {window}) == INFRASTRUCTURE
        said = await dump(redis_client) + node.log.read_text()
        assert [key for key in (*USABLE, "acmes-own-key") if key in said and key not in INNOCENT] == []
        assert await use(acme, "acmes-own-key", LIMIT) == [200] * (LIMIT - 3) + [429] * 3


async def test_two_keys_that_differ_are_seen_also_where_such_a_head_was_seen_before(
    start_node: Callable[..., Any], upstream: Upstream
) -> None:
    node: Node = await start_node(key_header="X-Tenant")
    async with await node.connect() as client:

        async def ask(bearer: bytes, tenant: bytes) -> int:
            lines = b"Authorization: Bearer " + bearer, b"X-Tenant: " + tenant
            return (await client.get(b"/", *lines, key=None)).status

        assert [await ask(b"own", b"own") for _ in range(3)] == [200] * 3
        assert await ask(b"other", b"own") == 401
        assert len(upstream.requests) == 3
