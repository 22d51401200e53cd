"""Reading the overrides hash again and again, whatever stands in it."""

import logging

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.codec import encode
from gateway.contract.limits import Limit
from gateway.contract.overrides import Override
from gateway.overrides import LiveOverrides

FIVE = Override(Limit(5, 60), by="test", at=1.0)
SIX = Override(Limit(6, 60), by="test", at=2.0)


async def read(redis: Redis, overrides: LiveOverrides, **fields: str) -> None:
    """Let the hash hold these fields, written as kind_client, and read it."""
    await redis.delete(keys.OVERRIDES)
    if fields:
        await redis.hset(
            keys.OVERRIDES, mapping={name.replace("_", ":", 1): text for name, text in fields.items()}
        )
    await overrides.refresh(redis)


async def test_what_stands_in_the_hash_is_in_force(redis_client: Redis) -> None:
    overrides = LiveOverrides()
    await read(redis_client, overrides, limit_acme=encode(FIVE), generation_acme="3", generation_beta="1")

    assert overrides.current.limits == {"acme": FIVE}
    assert overrides.current.generations == {"acme": 3, "beta": 1}
    assert overrides.current.malformed == ()


async def test_what_was_taken_away_is_not_in_force_any_more(redis_client: Redis) -> None:
    overrides = LiveOverrides()
    await read(redis_client, overrides, limit_acme=encode(FIVE), generation_acme="3")
    await read(redis_client, overrides)

    assert (overrides.current.limits, overrides.current.generations) == ({}, {})


async def test_the_last_good_value_of_a_malformed_field_stays(redis_client: Redis) -> None:
    overrides = LiveOverrides()
    await read(redis_client, overrides, limit_acme=encode(FIVE), generation_beta="3")
    await read(redis_client, overrides, limit_acme="oops", generation_beta="-1", limit_beta=encode(SIX))
    await read(redis_client, overrides, limit_acme="oops", generation_beta="x", limit_beta=encode(SIX))

    assert overrides.current.limits == {"acme": FIVE, "beta": SIX}
    assert overrides.current.generations == {"beta": 3}
    assert overrides.current.malformed == ("generation:beta", "limit:acme")


async def test_a_malformed_field_keeps_nothing_else_of_its_client(redis_client: Redis) -> None:
    overrides = LiveOverrides()
    await read(redis_client, overrides, limit_acme=encode(FIVE), generation_acme="3")
    await read(redis_client, overrides, generation_acme="oops")

    assert overrides.current.limits == {}
    assert overrides.current.generations == {"acme": 3}


async def test_a_field_that_was_never_good_is_not_in_force(redis_client: Redis) -> None:
    overrides = LiveOverrides()
    await read(redis_client, overrides, limit_acme="oops")

    assert overrides.current.limits == {}
    await read(redis_client, overrides, limit_acme=encode(SIX))
    assert (overrides.current.limits, overrides.current.malformed) == ({"acme": SIX}, ())


async def test_malformed_fields_are_told_when_they_change(
    redis_client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    overrides = LiveOverrides()
    with caplog.at_level(logging.WARNING):
        for fields in ({"limit_acme": "a"}, {"limit_acme": "b"}, {}, {"limit_acme": "a", "limit_beta": "a"}):
            await read(redis_client, overrides, **fields)

    assert [record.getMessage() for record in caplog.records] == [
        "overrides that cannot be read, and are not applied: 'limit:acme'",
        "overrides that cannot be read, and are not applied: 'limit:acme', 'limit:beta'",
    ]


async def test_names_that_are_no_text_harm_nobody(redis_url: str, redis_client: Redis) -> None:
    overrides = LiveOverrides()
    await redis_client.hset(keys.OVERRIDES, "limit:acme", encode(FIVE))
    await redis_client.hset(keys.OVERRIDES, mapping={b"\xff\nlimit:x": b"\xfe"})
    async with Redis.from_url(redis_url, decode_responses=True, encoding_errors="replace") as as_the_node:
        await overrides.refresh(as_the_node)

    assert overrides.current.limits == {"acme": FIVE}
    assert len(overrides.current.malformed) == 1
