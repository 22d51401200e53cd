"""What many keys, a hot key and a long-lived key cost; `python -m tests.scale` measures it at full size."""

import tracemalloc

import pytest
from redis.asyncio import Redis

from gateway.contract.limits import Limit
from gateway.limiter import fallback, window_cache
from gateway.telemetry.clients import ClientActivity
from loadtest import redis_server
from tests.integration.gateway.limiter.node import decide, limiter_node
from tests.scale import batches, many_keys
from tests.scale.batches import MOST_COMMANDS
from tests.scale.week import MOST_FIELDS, WEEK_SECONDS, Habit, Simulation

MEGABYTE = 1_000_000
MOST_REDIS_BYTES = 200
MOST_RSS_BYTES = 50 * MEGABYTE
HOUR = 3600.0


async def test_keys_seen_once_take_little_of_redis_and_a_bounded_part_of_the_node() -> None:
    with redis_server.running() as server:
        async with Redis.from_url(server.url) as redis, many_keys.in_process(server.url) as limiter:
            cost = await many_keys.measure(limiter, redis, 50_000, rounds=1, known_times=1)
            cache = limiter.node.cache
            assert len(cache) == window_cache.MAX_WINDOWS
            assert len(limiter.node.backlog) == 0
    assert cost.redis_bytes_per_key <= MOST_REDIS_BYTES
    assert cost.memory_usage_bytes <= MOST_REDIS_BYTES
    assert cost.rss_growth_bytes <= MOST_RSS_BYTES


async def test_keys_seen_once_take_as_little_of_a_node_process() -> None:
    with redis_server.running() as server:
        async with Redis.from_url(server.url) as redis, many_keys.over_http(server.url) as node:
            cost = await many_keys.measure(node, redis, 4000, rounds=1, known_times=1)
    assert cost.rss_growth_bytes <= MOST_RSS_BYTES / 2
    assert cost.memory_usage_bytes <= MOST_REDIS_BYTES


async def test_without_redis_the_books_of_many_keys_are_bounded() -> None:
    many = fallback.MAX_WINDOWS + 5000
    async with limiter_node("redis://127.0.0.1:1/0", on_failure="local") as node:
        for number in range(many):
            status = await decide(node.limiter, f"client-{number}", Limit(10, 60))
            assert status is not None
            assert status.admitted
        assert len(node.backlog) == node.backlog.pending == fallback.MAX_WINDOWS
        assert node.counters.store_written_off == many - fallback.MAX_WINDOWS


def test_what_a_node_remembers_of_its_clients_is_bounded() -> None:
    tracemalloc.start()
    activity = ClientActivity()
    for number in range(30_000):
        activity.count(f"k_{number:016x}", refused=True)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (
        used < 3 * MEGABYTE
    )  # two of them by which newcomers are known, of which only what is touched is used


@pytest.mark.parametrize(
    ("limits", "admitted"),
    [
        ([Limit(1_000_000, 60)], (1.0, 1.0)),
        ([Limit(10, 60)], (0.0, 0.1)),
        ([Limit(2000, 10)], (0.2, 0.9)),
        ([Limit(2000, 10), Limit(1_000_000, 60)], (0.2, 0.9)),
    ],
    ids=["admitted", "refused", "some admitted", "two windows"],
)
async def test_a_hot_key_costs_redis_few_commands_a_pipeline(
    limits: list[Limit], admitted: tuple[float, float]
) -> None:
    traffic = await batches.measure(limits, 0.7)
    least, most = admitted
    assert traffic.deciding.total() > 0
    assert least <= traffic.admitted / traffic.requests <= most
    assert traffic.most <= MOST_COMMANDS[len(limits)]
    assert traffic.by_name["TIME"] == 2 * (traffic.deciding.total() + traffic.other.total())


async def test_a_client_that_is_active_for_a_week_has_a_bounded_hash() -> None:
    habit = Habit(Limit(200, 3600), WEEK_SECONDS, (1.5 * HOUR, 20 * HOUR), gaps=(0.3, 70.0))
    with redis_server.running() as server:
        course = await Simulation(habit, server.port, seed=1).run()
    assert course.batches > 1000
    assert 0 < course.admitted < course.requests
    assert 60 <= course.most_fields <= MOST_FIELDS
