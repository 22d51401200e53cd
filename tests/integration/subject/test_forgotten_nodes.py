"""A dead node is missed until somebody has it forgotten, whatever Redis still has of it."""

from redis.asyncio import Redis

from gateway.contract import keys
from loadtest.redis_server import RedisServer
from subject import RateLimiterChecker, RateLimiterSubject
from tests.integration.subject.found import found_in
from tests.integration.subject.publishing import patient, publish, subject
from tests.unit.subject.builders import always, even, record

CALM = even(always(60))
QUICK = {"SUBJECT_NODE_DOWN_SECONDS": "2.5"}


async def test_a_dead_node_is_missed_until_it_is_forgotten_whatever_is_left_of_the_stream(
    redis_client: Redis, redis_url: str
) -> None:
    nodes = [*(one.records(60) for one in CALM[:2]), CALM[2].records(30)]
    await publish(redis_client, [one for records in nodes for one in records])
    checker = RateLimiterChecker()

    async with RateLimiterSubject(redis_url) as goes_on:
        tickets = []
        for trims in (False, True, True):
            if trims:
                await redis_client.xtrim(keys.TELEMETRY, maxlen=0)
            async with RateLimiterSubject(redis_url) as fresh:
                for observation in (await goes_on.observe(), await fresh.observe()):
                    assert ("node_down", "node-3") in found_in(observation)
                    tickets.append([one.store_id for one in checker.check(observation)])
        done = await subject("nodes", "forget", "node-3", redis_url=redis_url, settings=QUICK)
        await publish(redis_client, [record("node-1"), record("node-2")])
        async with RateLimiterSubject(settings=patient(redis_url)) as fresh:
            after = [await goes_on.observe(), await fresh.observe()]

    assert done.code == 0, done.err
    assert all("node-3" in of_look for of_look in tickets)
    assert [{node["id"] for node in one["nodes"]} for one in after] == [{"node-1", "node-2"}] * 2
    assert ("node_down", "node-3") not in found_in(after[0]) | found_in(after[1])


async def test_a_node_that_redis_has_lost_is_missed_by_who_goes_on_until_it_is_forgotten(
    own_redis: RedisServer, own_client: Redis
) -> None:
    await publish(own_client, [record("node-1"), record("node-2"), record("node-3")])
    async with RateLimiterSubject(settings=patient(own_redis.url)) as goes_on:
        await goes_on.observe()
        await own_client.flushall()
        await publish(own_client, [record("node-1"), record("node-2")])
        missed = await goes_on.observe()
        refused = await subject("nodes", "forget", "node-3", redis_url=own_redis.url)
        nonsense = await subject("nodes", "forget", "no\tnode", "--lost", redis_url=own_redis.url)
        done = await subject("nodes", "forget", "node-3", "--lost", redis_url=own_redis.url)
        later = [await goes_on.observe(), await goes_on.observe()]

    assert [node["id"] for node in missed["nodes"]] == ["node-1", "node-2"]
    assert (refused.code, "--lost" in refused.err) == (2, True)
    assert (nonsense.code, "Traceback" in nonsense.err) == (2, False)
    assert (done.code, done.out) == (
        0,
        "node-3, which was lost by Redis, is forgotten: its totals are no longer in the sums\n",
    )
    assert [[node["id"] for node in one["nodes"]] for one in later] == [["node-1", "node-2"]] * 2


async def test_the_last_node_of_all_stays_forgotten(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record("node-1")], ended_seconds_ago=90)
    async with RateLimiterSubject(redis_url) as goes_on:
        before = await goes_on.observe()
        await subject("nodes", "forget", "node-1", redis_url=redis_url, settings=QUICK)
        after = [await goes_on.observe(), await goes_on.observe()]

    assert found_in(before) == {("node_down", "node-1")}
    assert [one["nodes"] for one in after] == [[], []]
    assert [one["code"] for one in after[1]["findings"]] == ["observer_blind"]
