"""Reading the overrides hash again and again, whatever stands in it."""

import asyncio
import logging
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from gateway.clock import RedisClock
from gateway.contract import keys
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import (
    GENERATION_FIELD,
    LIMIT_FIELD,
    MAX_READ,
    MAX_RECORDS,
    MAX_TEXT,
    VERSION_FIELD,
    Announcement,
    Override,
)
from gateway.contract.records import MAX_NAME_LENGTH, encode
from gateway.contract.window import MICROSECONDS
from gateway.overrides import SECONDS_A_FIELD, SLICE, LiveOverrides

FIVE = Override(parse_limits("5/m"), by="test", at=1.0)
SIX = Override(parse_limits("6/m"), by="test", at=2.0)
MANY = 2000
START = 1_700_000_000


class Time:
    """A monotonic clock that stands still until it is told otherwise."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def known_clock(now: Time) -> RedisClock:
    """By which it is START now."""
    clock = RedisClock()
    clock.learn(now(), START * MICROSECONDS, now())
    return clock


async def write(redis: Redis, client: str, value: Override | int) -> int:
    """What the subject does, without the announcement; the version."""
    name = (LIMIT_FIELD if isinstance(value, Override) else GENERATION_FIELD) + client
    await redis.hset(keys.OVERRIDES, name, encode(value))
    version: int = await redis.hincrby(keys.OVERRIDES, VERSION_FIELD, 1)
    return version


async def fill(redis: Redis, number: int, value: Override = FIVE) -> None:
    """So many clients with the same limit."""
    text = encode(value)
    names = [f"{LIMIT_FIELD}k_{place:016x}" for place in range(number)]
    for first in range(0, number, 1000):
        await redis.hset(keys.OVERRIDES, mapping=dict.fromkeys(names[first : first + 1000], text))


async def calls(redis: Redis, command: str) -> int:
    """How often the server has executed it."""
    stats = await redis.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])


async def read(redis: Redis, overrides: LiveOverrides, **fields: str) -> None:
    """Let the hash hold these fields, written as kind_client, and read it."""
    await redis.delete(keys.OVERRIDES)
    if fields:
        await redis.hset(
            keys.OVERRIDES, mapping={name.replace("_", ":", 1): text for name, text in fields.items()}
        )
    await overrides.refresh(redis)


async def test_what_stands_in_the_hash_is_in_force(redis_client: Redis) -> None:
    overrides = LiveOverrides(RedisClock())
    await read(redis_client, overrides, limit_acme=encode(FIVE), generation_acme="3", generation_beta="1")

    assert overrides.current.limits == {"acme": FIVE}
    assert overrides.current.generations == {"acme": 3, "beta": 1}
    assert overrides.current.malformed == ()


async def test_what_was_taken_away_is_not_in_force_any_more(redis_client: Redis) -> None:
    overrides = LiveOverrides(RedisClock())
    await read(redis_client, overrides, limit_acme=encode(FIVE), generation_acme="3")
    await read(redis_client, overrides)

    assert (overrides.current.limits, overrides.current.generations) == ({}, {})


async def test_the_last_good_value_of_a_malformed_field_stays(redis_client: Redis) -> None:
    overrides = LiveOverrides(RedisClock())
    await read(redis_client, overrides, limit_acme=encode(FIVE), generation_beta="3")
    await read(redis_client, overrides, limit_acme="oops", generation_beta="-1", limit_beta=encode(SIX))
    await read(redis_client, overrides, limit_acme="oops", generation_beta="x", limit_beta=encode(SIX))

    assert overrides.current.limits == {"acme": FIVE, "beta": SIX}
    assert overrides.current.generations == {"beta": 3}
    assert overrides.current.malformed == ("generation:beta", "limit:acme")


async def test_a_malformed_field_keeps_nothing_else_of_its_client(redis_client: Redis) -> None:
    overrides = LiveOverrides(RedisClock())
    await read(redis_client, overrides, limit_acme=encode(FIVE), generation_acme="3")
    await read(redis_client, overrides, generation_acme="oops")

    assert overrides.current.limits == {}
    assert overrides.current.generations == {"acme": 3}


async def test_a_field_that_was_never_good_is_not_in_force(redis_client: Redis) -> None:
    overrides = LiveOverrides(RedisClock())
    await read(redis_client, overrides, limit_acme="oops")

    assert overrides.current.limits == {}
    await read(redis_client, overrides, limit_acme=encode(SIX))
    assert (overrides.current.limits, overrides.current.malformed) == ({"acme": SIX}, ())


async def test_malformed_fields_are_told_when_they_change(
    redis_client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    overrides = LiveOverrides(RedisClock())
    with caplog.at_level(logging.WARNING):
        for fields in ({"limit_acme": "a"}, {"limit_acme": "b"}, {}, {"limit_acme": "a", "limit_beta": "a"}):
            await read(redis_client, overrides, **fields)

    assert [record.getMessage() for record in caplog.records] == [
        "live changes that cannot be read, and are not applied: limit:acme",
        "live changes that cannot be read, and are not applied: limit:acme, limit:beta",
    ]


async def test_names_that_are_no_text_harm_nobody(redis_url: str, redis_client: Redis) -> None:
    overrides = LiveOverrides(RedisClock())
    await redis_client.hset(keys.OVERRIDES, "limit:acme", encode(FIVE))
    await redis_client.hset(keys.OVERRIDES, mapping={b"\xff\nlimit:x": b"\xfe"})
    async with Redis.from_url(redis_url, decode_responses=True, encoding_errors="replace") as as_the_node:
        await overrides.refresh(as_the_node)

    assert overrides.current.limits == {"acme": FIVE}
    assert len(overrides.current.malformed) == 1


async def test_many_that_did_not_change_cost_two_small_commands_a_poll(redis_client: Redis) -> None:
    await fill(redis_client, MANY)
    overrides = LiveOverrides(RedisClock(), Time())
    await overrides.refresh(redis_client)
    before = [await calls(redis_client, command) for command in ("hscan", "hgetall", "hlen")]
    for _ in range(5):
        await overrides.refresh(redis_client)
    after = [await calls(redis_client, command) for command in ("hscan", "hgetall", "hlen")]

    assert len(overrides.current.limits) == MANY
    assert [later - earlier for earlier, later in zip(before, after, strict=True)] == [0, 0, 5]


async def test_a_version_that_was_raised_or_a_field_more_is_seen_among_many(redis_client: Redis) -> None:
    await fill(redis_client, MANY)
    overrides = LiveOverrides(RedisClock(), Time())
    await overrides.refresh(redis_client)

    await write(redis_client, "k_0000000000000007", SIX)
    await overrides.refresh(redis_client)
    assert overrides.current.limits["k_0000000000000007"] == SIX

    await redis_client.hset(keys.OVERRIDES, "limit:acme", encode(SIX))
    await overrides.refresh(redis_client)
    assert overrides.current.limits["acme"] == SIX

    await redis_client.hdel(keys.OVERRIDES, "limit:acme")
    await overrides.refresh(redis_client)
    assert "acme" not in overrides.current.limits


async def test_what_other_hands_wrote_among_many_is_found_after_a_while(redis_client: Redis) -> None:
    clock = Time()
    await fill(redis_client, MANY)
    overrides = LiveOverrides(RedisClock(), clock)
    await overrides.refresh(redis_client)
    await redis_client.hset(keys.OVERRIDES, "limit:k_0000000000000007", encode(SIX))

    await overrides.refresh(redis_client)
    assert overrides.current.limits["k_0000000000000007"] == FIVE
    clock.seconds += SECONDS_A_FIELD * MANY
    await overrides.refresh(redis_client)
    assert overrides.current.limits["k_0000000000000007"] == SIX


async def test_of_few_all_is_read_at_each_poll(redis_client: Redis) -> None:
    overrides = LiveOverrides(RedisClock())
    await read(redis_client, overrides, limit_acme=encode(FIVE))
    await asyncio.sleep(2 * SECONDS_A_FIELD)
    await redis_client.hset(keys.OVERRIDES, "limit:acme", encode(SIX))
    await overrides.refresh(redis_client)

    assert overrides.current.limits == {"acme": SIX}


async def test_what_is_announced_is_read_without_the_rest(redis_client: Redis) -> None:
    await fill(redis_client, MANY)
    overrides = LiveOverrides(RedisClock(), Time())
    await overrides.refresh(redis_client)
    scans = await calls(redis_client, "hscan")

    changes: list[tuple[str, Override | int]] = [("acme", SIX), ("k_0000000000000007", SIX), ("acme", 3)]
    for client, value in changes:
        version = await write(redis_client, client, value)
        await overrides.take(redis_client, str(Announcement(version, client)))
    await overrides.refresh(redis_client)

    assert overrides.current.limits["acme"] == overrides.current.limits["k_0000000000000007"] == SIX
    assert overrides.current.generations == {"acme": 3}
    assert await calls(redis_client, "hscan") == scans

    await redis_client.hdel(keys.OVERRIDES, "limit:acme")
    version = await redis_client.hincrby(keys.OVERRIDES, VERSION_FIELD, 1)
    await overrides.take(redis_client, str(Announcement(version, "acme")))
    assert "acme" not in overrides.current.limits
    assert overrides.current.generations == {"acme": 3}


async def test_a_missed_announcement_is_made_up_for_by_the_poll(redis_client: Redis) -> None:
    await fill(redis_client, MANY)
    overrides = LiveOverrides(RedisClock(), Time())
    await overrides.refresh(redis_client)
    await write(redis_client, "k_0000000000000001", SIX)
    version = await write(redis_client, "k_0000000000000002", SIX)

    await overrides.take(redis_client, str(Announcement(version, "k_0000000000000002")))
    assert overrides.current.limits["k_0000000000000002"] == SIX
    assert overrides.current.limits["k_0000000000000001"] == FIVE
    await overrides.refresh(redis_client)
    assert overrides.current.limits["k_0000000000000001"] == SIX


async def test_a_writer_that_died_before_the_version_is_found_too(redis_client: Redis) -> None:
    await fill(redis_client, MANY)
    overrides = LiveOverrides(RedisClock(), Time())
    await overrides.refresh(redis_client)
    await redis_client.hset(keys.OVERRIDES, "limit:k_0000000000000001", encode(SIX))
    await write(redis_client, "acme", SIX)  # the next one

    await overrides.refresh(redis_client)

    assert overrides.current.limits["k_0000000000000001"] == SIX


@pytest.mark.parametrize("message", ["", "x", "reload", "1", "1 no id!", "-1 acme", "9" * 30 + " acme"])
async def test_another_message_means_that_all_is_to_be_read(redis_client: Redis, message: str) -> None:
    await fill(redis_client, MANY)
    overrides = LiveOverrides(RedisClock(), Time())
    await overrides.refresh(redis_client)
    await redis_client.hset(keys.OVERRIDES, "limit:k_0000000000000001", encode(SIX))

    await overrides.take(redis_client, message)
    await overrides.refresh(redis_client)

    assert overrides.current.limits["k_0000000000000001"] == SIX


async def test_a_limit_ends_at_its_moment_without_anybody_reading(redis_client: Redis) -> None:
    clock = Time()
    overrides = LiveOverrides(known_clock(clock), clock)
    lasting = replace(FIVE, until=START + 60.0)
    short = replace(SIX, until=START + 30.0)
    await read(
        redis_client, overrides, limit_acme=encode(lasting), limit_beta=encode(short), limit_c=encode(FIVE)
    )

    assert overrides.current.limits == {"acme": lasting, "beta": short, "c": FIVE}
    clock.seconds += 29.9
    assert overrides.current.limits == {"acme": lasting, "beta": short, "c": FIVE}
    clock.seconds += 0.2
    assert overrides.current.limits == {"acme": lasting, "c": FIVE}
    clock.seconds += 30
    assert overrides.current.limits == {"c": FIVE}


async def test_one_that_has_ended_holds_again_when_it_is_prolonged(redis_client: Redis) -> None:
    clock = Time()
    overrides = LiveOverrides(known_clock(clock), clock)
    await read(redis_client, overrides, limit_acme=encode(replace(FIVE, until=START - 1.0)))
    assert overrides.current.limits == {}

    longer = replace(FIVE, until=START + 10.0)
    await read(redis_client, overrides, limit_acme=encode(longer))
    assert overrides.current.limits == {"acme": longer}


async def test_more_fields_than_are_read_change_nothing_and_are_reported(redis_client: Redis) -> None:
    clock = Time()
    overrides = LiveOverrides(known_clock(clock), clock)
    await read(redis_client, overrides, limit_acme=encode(FIVE))
    await fill(redis_client, MAX_READ)
    await overrides.refresh(redis_client)

    assert overrides.current.limits == {"acme": FIVE}
    refused = overrides.report
    assert (refused.problem, refused.since) == ("more than the 20,000 fields that are read", START)
    await read(redis_client, overrides, limit_acme=encode(SIX))
    assert overrides.current.limits == {"acme": SIX}
    assert (overrides.report.problem, overrides.report.since) == ("", None)


async def test_a_key_of_another_type_changes_nothing_and_is_reported(redis_client: Redis) -> None:
    overrides = LiveOverrides(RedisClock())
    await read(redis_client, overrides, limit_acme=encode(FIVE))
    await redis_client.set(keys.OVERRIDES, "x")
    await overrides.refresh(redis_client)

    assert overrides.current.limits == {"acme": FIVE}
    assert overrides.report.problem == "it is no hash"


async def test_what_is_malformed_is_reported_by_a_few_safe_names(redis_client: Redis) -> None:
    overrides = LiveOverrides(RedisClock())
    names = {f"limit_client{place}": "oops" for place in range(8)}
    await read(redis_client, overrides, limit_acme=encode(FIVE), generation_acme="3", **names)
    await redis_client.hset(keys.OVERRIDES, "\x1b[2J" + "x" * 5 * MAX_TEXT, "y" * 5 * MAX_TEXT)
    await overrides.refresh(redis_client)

    report = overrides.report
    assert (report.fields, report.malformed) == (2, 9)
    assert report.names[1:] == ("limit:client0", "limit:client1")
    assert report.names[0].startswith(r"\x1b[2Jxxx")
    assert len(report.names[0]) == MAX_NAME_LENGTH
    assert report.since is not None


async def test_a_text_that_is_too_long_is_no_record(redis_client: Redis) -> None:
    overrides = LiveOverrides(RedisClock())
    await read(redis_client, overrides, limit_acme=encode(FIVE) + " " * MAX_TEXT)

    assert (overrides.current.limits, overrides.current.malformed) == ({}, ("limit:acme",))


async def test_a_version_that_is_no_number_is_told_and_changes_are_still_seen(redis_client: Redis) -> None:
    await fill(redis_client, MANY)
    await redis_client.hset(keys.OVERRIDES, VERSION_FIELD, "x")
    overrides = LiveOverrides(RedisClock(), Time())
    await overrides.refresh(redis_client)
    await redis_client.hset(keys.OVERRIDES, "limit:acme", encode(SIX))
    await overrides.refresh(redis_client)

    assert overrides.current.malformed == (VERSION_FIELD,)
    assert overrides.current.limits["acme"] == SIX


async def test_reading_ten_thousand_lets_others_have_a_turn_after_each_slice(redis_client: Redis) -> None:
    await fill(redis_client, MAX_RECORDS)
    overrides = LiveOverrides(RedisClock())
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count_turns())
    await overrides.refresh(redis_client)
    other.cancel()
    assert len(overrides.current.limits) == MAX_RECORDS
    assert turns > MAX_RECORDS / SLICE
