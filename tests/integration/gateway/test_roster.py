"""How many nodes share a limit, by the roster in Redis."""

from dataclasses import replace

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import encode
from gateway.telemetry.publisher import Roster
from tests.contract.examples import ROSTER_ENTRY

START = 1_800_000_000.0


async def writes(redis: Redis, node_id: str, at: float) -> None:
    entry = replace(ROSTER_ENTRY, last=replace(ROSTER_ENTRY.last, node_id=node_id, at=at, leaving=False))
    await redis.hset(keys.NODES, node_id, encode(entry))


async def test_after_an_outage_the_others_are_there_until_they_had_time_to_write_again(
    redis_client: Redis,
) -> None:
    """Else the first node to come back takes a whole limit for its share, if Redis goes again at once."""
    roster = Roster(redis_client, "node-1")
    for node_id in ("node-2", "node-3"):
        await writes(redis_client, node_id, START)
    await roster.poll(START + 0.5)
    assert roster.live_nodes == 3
    await roster.poll(START + 10)
    assert roster.live_nodes == 3
    for second in (11, 12, 13):
        await writes(redis_client, "node-2", START + second)
        await roster.poll(START + second)
    assert roster.live_nodes == 2


async def test_a_node_that_dies_while_redis_answers_is_not_counted_any_more(redis_client: Redis) -> None:
    roster = Roster(redis_client, "node-1")
    await writes(redis_client, "node-2", START)
    for second in range(4):
        await roster.poll(START + second)
    assert roster.live_nodes == 1


async def test_a_node_that_joins_counts_at_once(redis_client: Redis) -> None:
    roster = Roster(redis_client, "node-1")
    await roster.poll(START)
    await writes(redis_client, "node-2", START)
    await roster.poll(START + 1)
    assert roster.live_nodes == 2
