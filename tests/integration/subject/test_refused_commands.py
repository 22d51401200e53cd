"""Changes that nobody would see: of clients that no node has, and where Redis is away or refuses."""

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from loadtest.redis_server import RedisServer
from tests.integration.subject.publishing import nowhere, publish, registered_only, subject
from tests.unit.subject.builders import record

CLIENT = "k_0123456789abcdef"
WHY = ("--why", "a test")
CHANGES = [["limits", "set", CLIENT, "5/s", *WHY], ["limits", "unset", CLIENT], ["reset", CLIENT]]


@pytest.mark.parametrize("arguments", CHANGES)
async def test_a_client_that_no_node_accepts_is_not_changed(
    redis_client: Redis, redis_url: str, arguments: list[str]
) -> None:
    await publish(redis_client, [record()], registered_only())

    run = await subject(*arguments, redis_url=redis_url)

    assert (run.code, run.out) == (2, "")
    assert run.err.startswith(f"subject: nodes accept registered keys only, so none of them uses {CLIENT} ")
    assert await redis_client.exists(keys.OVERRIDES, keys.AUDIT) == 0


@pytest.mark.parametrize("arguments", CHANGES)
async def test_nothing_is_changed_in_a_redis_that_no_node_uses(
    redis_client: Redis, redis_url: str, arguments: list[str]
) -> None:
    run = await subject(*arguments, redis_url=redis_url)

    assert (run.code, run.out) == (3, "")
    assert run.err.startswith("subject: no node has ever written to this Redis (127.0.0.1:")
    assert run.err.count("\n") == 1
    assert await redis_client.exists(keys.OVERRIDES, keys.AUDIT) == 0


@pytest.mark.parametrize("arguments", CHANGES)
async def test_an_action_without_redis_is_exit_3_in_one_line(arguments: list[str]) -> None:
    url = nowhere()
    address = url.removeprefix("redis://").partition("/")[0]

    run = await subject(*arguments, redis_url=url)

    assert (run.code, run.out) == (3, "")
    assert run.err == (
        f"subject: Redis at {address} does not answer (connection refused): "
        "try again when it does, or see REDIS_URL\n"
    )


async def test_an_action_that_redis_refuses_is_one_line(own_redis: RedisServer, own_client: Redis) -> None:
    await own_client.config_set("requirepass", "hunter2")
    place = own_redis.url.removeprefix("redis://").partition("/")[0]

    run = await subject("reset", CLIENT, redis_url=own_redis.url)

    assert (run.code, run.out) == (3, "")
    assert run.err == (
        f"subject: Redis at {place} refuses: it asks for a password: write it into REDIS_URL, "
        "as :PASSWORD@HOST (Authentication required)\n"
    )


async def test_an_action_names_the_key_that_is_something_else(redis_client: Redis, redis_url: str) -> None:
    await redis_client.set(keys.NODES, "x")

    run = await subject("reset", CLIENT, redis_url=redis_url)

    assert (run.code, run.out) == (3, "")
    assert "refuses: ratelimit:nodes is no hash; see REDIS_URL" in run.err
    assert run.err.count("\n") == 1
