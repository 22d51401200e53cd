"""Actions by the Subject protocol: what they take, what they write, and what they refuse."""

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from loadtest.ports import free_port
from subject import (
    RateLimiterSubject,
)
from subject.errors import NoNodesError, RedisAwayError
from tests.integration.subject.publishing import audited, live_changes, patient, publish
from tests.unit.subject.builders import policies, record

CLIENT = "k_0123456789abcdef"


@pytest.mark.parametrize(("limit", "expected"), [(250, "250/10s"), ("250", "250/10s"), ("9/s", "9/s")])
async def test_a_bare_number_is_per_the_period_that_the_client_has(
    redis_client: Redis, redis_url: str, limit: int | str, expected: str
) -> None:
    await publish(redis_client, [record()], policies("200/10s").table)

    async with RateLimiterSubject(settings=patient(redis_url), by="pilot") as subject:
        await subject.set_rate_limit(CLIENT, limit, why="a test")

    live = await live_changes(redis_client)
    assert str(live.limits[CLIENT].limit) == expected
    assert (live.limits[CLIENT].by, live.limits[CLIENT].why) == ("pilot", "a test")
    (written,) = await audited(redis_client)
    assert (written.action, written.client, written.before, written.after) == ("set", CLIENT, None, expected)
    assert (written.by, written.why) == ("pilot", "a test")


async def test_a_bare_number_without_any_policy_is_per_minute(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()])

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        told = await subject.set_rate_limit(CLIENT, 7)

    assert told.startswith(f"{CLIENT} now has 7/m; not yet on node-1, as far as they say")
    assert str((await live_changes(redis_client)).limits[CLIENT].limit) == "7/m"


async def test_a_reset_takes_the_next_generation_and_is_audited(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()])

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        await subject.reset_client(CLIENT)
        told = await subject.reset_client(CLIENT)

    assert told.startswith(f"{CLIENT}'s count begins anew (generation 2); ")
    assert (await live_changes(redis_client)).generations == {CLIENT: 2}
    assert [(one.action, one.before, one.after) for one in await audited(redis_client)] == [
        ("reset", "0", "1"),
        ("reset", "1", "2"),
    ]


@pytest.mark.parametrize(
    ("client", "limit"), [("no id!", 5), (CLIENT, 0), (CLIENT, "5 per minute"), (CLIENT, -3)]
)
async def test_nonsense_is_a_value_error_and_changes_nothing(
    redis_client: Redis, redis_url: str, client: str, limit: int | str
) -> None:
    await publish(redis_client, [record()])

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        with pytest.raises(ValueError, match=r"client id|limit|number of requests"):
            await subject.set_rate_limit(client, limit)

    assert await redis_client.exists(keys.OVERRIDES, keys.AUDIT) == 0


async def test_a_key_given_as_a_name_is_a_value_error_and_goes_nowhere(
    redis_client: Redis, redis_url: str
) -> None:
    key = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
    await publish(redis_client, [record()], policies(clients={"acme": "5/s"}).table)

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        for action in (subject.set_rate_limit(key, 5), subject.reset_client(key)):
            with pytest.raises(
                ValueError, match=r"no node knows a client sk_l… \(registered: acme\)"
            ) as caught:
                await action
            assert key not in str(caught.value)

    assert await redis_client.exists(keys.OVERRIDES, keys.AUDIT) == 0


@pytest.mark.parametrize("by", ["pilot", "\udcff"])
async def test_what_is_not_unicode_is_a_value_error(redis_client: Redis, redis_url: str, by: str) -> None:
    async with RateLimiterSubject(redis_url, by=by) as subject:
        with pytest.raises(ValueError, match="is not Unicode"):
            await subject.reset_client(CLIENT, why="\udcff")

    assert await redis_client.keys() == []


async def test_an_action_in_a_redis_that_no_node_uses_says_so(redis_client: Redis, redis_url: str) -> None:
    async with RateLimiterSubject(redis_url) as subject:
        with pytest.raises(NoNodesError, match="no node has ever written to this Redis"):
            await subject.reset_client(CLIENT)

    assert await redis_client.keys() == []


async def test_an_action_without_redis_says_so() -> None:
    async with RateLimiterSubject(f"redis://127.0.0.1:{free_port()}/0") as subject:
        with pytest.raises(RedisAwayError):
            await subject.reset_client(CLIENT)
