import re
import time
from pathlib import Path
from typing import Any

import aiohttp
import redis.asyncio as redis_asyncio

from gateway.contract import keys
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import parse_overrides
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import STREAM_FIELD, AuditRecord, RosterEntry, TelemetryRecord, decode
from gateway.contract.window import key_lifetime_ms
from loadtest.cluster import Plan, running
from subject.actions import edits
from tests.integration.subject.publishing import publish
from tests.unit.subject.builders import record

SCHEMA = Path(__file__).parents[2] / "docs/redis-schema.md"
CLIENT = "k_0123456789abcdef"


def documented() -> dict[str, tuple[str, str]]:
    """Type and lifetime by a pattern of the key, from the table."""
    rows = re.findall(r"^\| `(ratelimit:.+?)` \| (\w+) \| (.+?) \|", SCHEMA.read_text(), re.MULTILINE)
    return {
        re.sub(r"<\w+>", r"[^:{}]+", re.sub(r"{(.+?)}", r"\{[^{}]+\}", key)): (kind, life)
        for key, kind, life in rows
    }


async def assert_documented(redis_client: redis_asyncio.Redis) -> list[str]:
    """Every key in Redis has a line in the table, with its type and lifetime. Returns the keys."""
    names = [str(name) async for name in redis_client.scan_iter()]
    for name in names:
        (row,) = (row for pattern, row in documented().items() if re.fullmatch(pattern, name))
        kind, life = row
        assert await redis_client.type(name) == kind
        assert (await redis_client.ttl(name) == -1) == (life == "none" or "capped" in life)
    return names


async def test_what_a_node_writes_is_what_the_schema_says(
    redis_url: str, redis_client: redis_asyncio.Redis
) -> None:
    limit = {"GATEWAY_ADDRESS_LIMIT": "9/m"}
    async with (
        running(Plan(nodes=1, redis_url=redis_url, node_environment=limit)) as cluster,
        aiohttp.ClientSession() as http,
    ):
        (node,) = cluster.nodes
        for key in ("one", "two"):
            async with http.get(node.url, headers={"X-API-Key": key}) as answer:
                assert answer.status == 200
        deadline = time.monotonic() + 10
        while not await redis_client.exists(keys.NODES):
            assert time.monotonic() < deadline

        names = await assert_documented(redis_client)
        windows = [name for name in names if "{" in name]
        assert len(windows) == 3
        for name in windows:
            units = sum(map(int, (await redis_client.hgetall(name)).values()))
            assert 0 < await redis_client.pttl(name) <= key_lifetime_ms(60)
            assert units == (2 if f":{keys.ADDRESS_SCOPE}:" in name else 1)

        roster = await redis_client.hgetall(keys.NODES)
        digest = decode(RosterEntry, roster[node.id]).policy_digest
        table = await redis_client.get(keys.policy_table(digest))
        assert decode(PolicyTable, table or "").digest() == digest
        entries: Any = await redis_client.xrange(keys.TELEMETRY)
        assert decode(TelemetryRecord, entries[0][1][STREAM_FIELD]).node_id == node.id


async def test_what_an_operator_writes_is_what_the_schema_says(redis_client: redis_asyncio.Redis) -> None:
    await publish(redis_client, [record()])
    await edits.set_limit(
        redis_client, edits.LimitChange(CLIENT, parse_limits("500/m"), edits.Actor("ana", "launch day"))
    )
    await edits.reset(redis_client, CLIENT, edits.Actor("ana"))

    assert sorted(await assert_documented(redis_client)) == sorted(
        [keys.AUDIT, keys.OVERRIDES, keys.NODES, keys.TELEMETRY]
    )
    fields: Any = await redis_client.hgetall(keys.OVERRIDES)
    read = parse_overrides(fields)
    assert (read.limits[CLIENT].limit, read.generations[CLIENT]) == (parse_limits("500/m"), 1)
    entries: Any = await redis_client.xrange(keys.AUDIT)
    records = [decode(AuditRecord, entry[STREAM_FIELD]) for _, entry in entries]
    assert [(record.action, record.before, record.after) for record in records] == [
        ("set", None, "500/m"),
        ("reset", "0", "1"),
    ]
