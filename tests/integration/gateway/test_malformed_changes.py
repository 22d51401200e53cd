"""What cannot be read as a live change is in force nowhere, is found, and is mended as the finding says."""

import logging
import shlex

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import GENERATION_FIELD, LIMIT_FIELD, MAX_READ
from subject import RateLimiterSubject
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.overridden import (
    CLIENT,
    FIVE,
    OVERRIDDEN,
    SOON_SECONDS,
    USUAL,
    StartNode,
    clients_of,
    override,
    policy_is,
    policy_is_everywhere,
    three_nodes,
)
from tests.integration.subject.publishing import subject


@pytest.mark.parametrize("text", ["5/m", "[" * 5000], ids=["no record", "no end"])
async def test_a_malformed_override_is_refused_told_once_and_the_last_good_one_stays(
    node: Node, redis_client: Redis, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    def warnings() -> list[str]:
        return [record.getMessage() for record in caplog.records if "cannot be read" in record.getMessage()]

    async def told() -> list[str]:
        return warnings()

    with caplog.at_level(logging.WARNING):
        async with await node.connect() as client:
            await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(parse_limits("5/h")))
            await policy_is(client, b'"override";q=5;w=3600')
            await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, text)
            await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + "other", override(parse_limits("7/h")))
            await eventually(told, len, SOON_SECONDS)
            assert (await client.get()).value("RateLimit-Policy") == b'"override";q=5;w=3600'

    assert len(warnings()) == 1
    assert LIMIT_FIELD + CLIENT in warnings()[0]


async def test_a_hash_that_is_none_changes_nothing(start_node: StartNode, redis_client: Redis) -> None:
    await redis_client.set(keys.OVERRIDES, "oops")
    node = await start_node()
    async with await node.connect() as client:
        assert (await client.get()).status == 200
        await redis_client.delete(keys.OVERRIDES)
        await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(parse_limits("5/h")))
        await policy_is(client, b'"override";q=5;w=3600')


async def findings(observer: RateLimiterSubject) -> list[dict[str, object]]:
    """What the subject finds of live changes."""
    observation = await observer.observe()
    assert observation["redis_connected"]
    return [found for found in observation["findings"] if found["code"] == "override_malformed"]


async def test_a_malformed_record_is_a_finding_until_it_is_mended(
    start_node: StartNode, redis_client: Redis, redis_url: str
) -> None:
    nodes = await three_nodes(start_node)
    await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(FIVE))
    async with RateLimiterSubject(redis_url) as observer, clients_of(nodes) as clients:
        await policy_is_everywhere(clients, OVERRIDDEN)
        assert await findings(observer) == []

        await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, "7/h")
        (found,) = await eventually(
            lambda: findings(observer), lambda seen: seen and "3 of 3 nodes" in str(seen[0]["summary"])
        )
        await policy_is_everywhere(clients, OVERRIDDEN)
        assert found["subject"] == {"kind": "client", "id": CLIENT}
        assert found["suggested_action"] == f"subject limits unset {CLIENT}"

        run = await subject(*str(found["suggested_action"]).split()[1:], redis_url=redis_url)
        assert (run.code, "live limit, which cannot be read, was taken out" in run.out) == (0, True)
        await eventually(lambda: findings(observer), lambda seen: not seen)
        await policy_is_everywhere(clients, USUAL)


async def test_a_generation_that_is_no_number_is_mended_by_a_reset(
    node: Node, redis_client: Redis, redis_url: str
) -> None:
    await redis_client.hset(keys.OVERRIDES, GENERATION_FIELD + CLIENT, "x")
    async with RateLimiterSubject(redis_url) as observer:
        (found,) = await eventually(lambda: findings(observer), bool)
        assert found["suggested_action"] == f"subject reset {CLIENT}"
        assert (await subject("reset", CLIENT, redis_url=redis_url)).code == 0
        await eventually(lambda: findings(observer), lambda seen: not seen)


async def test_a_hash_that_is_none_is_a_finding_and_the_last_good_one_stays(
    node: Node, redis_client: Redis, redis_url: str
) -> None:
    await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(FIVE))
    async with RateLimiterSubject(redis_url) as observer, await node.connect() as client:
        await policy_is(client, OVERRIDDEN)
        await redis_client.set(keys.OVERRIDES, "x")
        (found,) = await eventually(
            lambda: findings(observer), lambda seen: seen and "1 of 1 nodes" in str(seen[0]["summary"])
        )
        assert "ratelimit:overrides is no hash" in str(found["summary"])
        assert (await client.get()).value("RateLimit-Policy") == OVERRIDDEN
        _, _, _, command, *names = shlex.split(str(found["suggested_action"]))
        assert command == "RENAME"
        await redis_client.rename(*names)
        await eventually(lambda: findings(observer), lambda seen: not seen)


async def test_more_fields_than_are_read_are_a_finding(
    node: Node, redis_client: Redis, redis_url: str
) -> None:
    names = [f"{GENERATION_FIELD}k_{place:016x}" for place in range(MAX_READ + 1)]
    await redis_client.hset(keys.OVERRIDES, mapping=dict.fromkeys(names, "1"))
    async with RateLimiterSubject(redis_url) as observer:
        (found,) = await eventually(lambda: findings(observer), bool)

    assert "more than the 20,000 fields that are read" in str(found["summary"])
