"""Redis' clock put back, records of a time to come, and nodes that do not agree on the time."""

from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import STREAM_FIELD, Totals, encode
from subject import settings
from subject.cluster import metrics
from subject.cluster.snapshot import Snapshot, take
from subject.cluster.view import View
from subject.dashboard.history import History
from subject.dashboard.trail import Trail
from subject.telemetry.reader import Reader
from subject.telemetry.redis_reads import redis_time
from tests.integration.subject.publishing import answering, nowhere, publish
from tests.unit.subject.builders import NodeScript, always, entry, record

BACK_SECONDS = 600.0
SCRIPT = NodeScript("node-1", always(20))


def made(view: View) -> Snapshot:
    return take(view, 60.0)


def read_twice(view: View) -> list[object]:
    """The records that are there more than once."""
    numbers = Counter((one.node_id, one.boot_id, one.sequence) for one in view.records)
    return [name for name, number in numbers.items() if number > 1]


async def put_back(redis: Redis) -> None:
    """What is left where a clock was put back: ids of streams that are ahead, and go on from there."""
    at = int(1000 * (await redis_time(redis) + BACK_SECONDS))
    for key in (keys.TELEMETRY, keys.HISTORY, keys.AUDIT):
        await redis.xadd(key, {STREAM_FIELD: "x"}, id=f"{at}-0")


async def test_a_stream_whose_ids_are_ahead_is_read_on(redis_client: Redis, redis_url: str) -> None:
    await put_back(redis_client)
    records = SCRIPT.records(60)
    async with Reader(settings.load(REDIS_URL=redis_url)) as reader:
        await publish(redis_client, records[:40], ended_seconds_ago=3)
        first = await reader.look()
        await redis_client.config_resetstat()
        await publish(redis_client, records[40:])
        second, third = await reader.look(), await reader.look()
        info = await redis_client.info("commandstats")

    assert [len(view.records) for view in (first, second, third)] == [40, 60, 60]
    assert read_twice(third) == []
    assert info["cmdstat_xrange"]["calls"] == 8  # telemetry and audit, and whether each goes on


async def test_a_stream_that_is_another_one_is_read_anew(redis_client: Redis, redis_url: str) -> None:
    await put_back(redis_client)
    async with Reader(settings.load(REDIS_URL=redis_url)) as reader:
        await publish(redis_client, SCRIPT.records(60))
        await reader.look()
        await redis_client.delete(keys.TELEMETRY)
        await publish(redis_client, replace(SCRIPT, boot_id="boot-b").records(60))
        view = await reader.look()

    assert {one.boot_id for one in view.records} == {"boot-a", "boot-b"}
    assert read_twice(view) == []


async def test_after_a_clock_was_put_back_the_numbers_are_those_of_now(
    redis_client: Redis, redis_url: str
) -> None:
    async with Reader(settings.load(REDIS_URL=redis_url)) as lasting:
        for seconds in (1, 5, BACK_SECONDS):
            await redis_client.flushdb()
            records = SCRIPT.records(60)
            await publish(redis_client, records[:40], ended_seconds_ago=-seconds)
            await lasting.look()
            await publish(redis_client, records[40:])
            async with Reader(settings.load(REDIS_URL=redis_url)) as fresh:
                for snapshot in (made(await fresh.look()), made(await lasting.look())):
                    assert metrics.of_cluster(snapshot).rate == pytest.approx(20, abs=1)
                    assert snapshot.node("node-1").last.sequence == 60


async def test_a_node_whose_last_word_is_of_a_time_to_come_is_not_up_by_that(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, SCRIPT.records(60), ended_seconds_ago=-BACK_SECONDS)
    async with Reader(settings.load(REDIS_URL=redis_url, node_down_seconds=60)) as reader:
        snapshot = made(await reader.look())

    assert snapshot.node("node-1").state == "Down"


async def test_one_record_of_a_time_to_come_stops_neither_history_nor_audit(redis_client: Redis) -> None:
    await put_back(redis_client)
    history, trail, at = History(), Trail(), await redis_time(redis_client)
    true = [record("node-1", at - 100 + 10 * n, sequence=n, boot=Totals(50 * n, 50 * n)) for n in range(1, 6)]
    odd = [replace(true[-1], at=time, sequence=6) for time in (at + 10**9, -1.0)]
    for one in (*true, *odd):
        await redis_client.xadd(keys.HISTORY, {STREAM_FIELD: encode(one)})
    for _ in range(2):
        await history.read(redis_client, at)
        await trail.read(redis_client, at)

    rates = history.chart(at).lines["node-1"].rate
    assert 10 * sum(rate or 0.0 for rate in rates) == pytest.approx(250, abs=1)  # each is rounded
    await redis_client.config_resetstat()
    await history.read(redis_client, at)
    await trail.read(redis_client, at)
    assert (await redis_client.info("commandstats"))["cmdstat_xrange"]["calls"] == 4


async def test_no_time_is_drawn_twice_where_redis_clock_was_put_back(redis_client: Redis) -> None:
    history, at = History(), await redis_time(redis_client)
    true = [record("node-1", at - 240 + 10 * n, sequence=10 * n, boot=Totals(50 * n)) for n in range(25)]
    ahead = [replace(one, at=one.at + 100, started_at=one.started_at + 100) for one in true[:13]]
    for told, now in ((ahead[:7], at - 80), (ahead[7:], at - 20), (true[13:], at)):
        for one in told:
            await redis_client.xadd(keys.HISTORY, {STREAM_FIELD: encode(one)})
        await history.read(redis_client, now)

    rates = [rate for rate in history.chart(at).lines["node-1"].rate if rate is not None]
    assert max(rates) == pytest.approx(5, abs=0.1)
    assert 10 * sum(rates) == pytest.approx(50 * 23, abs=60)


async def test_one_node_that_is_ahead_does_not_make_the_others_late() -> None:
    async with AsyncExitStack() as nodes:
        at = {"node-1": 1000.0, "node-2": 1001.0, "node-3": 5000.0}
        addresses = [
            await nodes.enter_async_context(answering(entry(record(name, time)))) for name, time in at.items()
        ]
        async with Reader(settings.load(REDIS_URL=nowhere(), nodes=",".join(addresses))) as reader:
            view = await reader.look()

    assert view.at == pytest.approx(1001, abs=10)
    assert {one.node_id for one in view.records} >= {"node-1", "node-2"}


async def test_a_node_of_another_cluster_that_listens_where_one_was_is_none_of_this(
    redis_client: Redis, redis_url: str
) -> None:
    async with answering(entry(record("stranger-1", await redis_time(redis_client)))) as address:
        await publish(redis_client, [record("node-1")])
        gone = replace(entry(record("node-2", 1.0)), admin_address=address)
        await redis_client.hset(keys.NODES, "node-2", encode(gone))
        async with Reader(settings.load(REDIS_URL=redis_url)) as reader:
            snapshot = made(await reader.look())

    assert {node.id: node.state for node in snapshot.nodes} == {"node-1": "Up", "node-2": "Down"}


@pytest.mark.parametrize("behind", [-3600, -10, 10, 90, 3600])
async def test_a_node_that_has_not_learned_that_redis_clock_was_set_answers_as_of_now(
    redis_client: Redis, redis_url: str, behind: float
) -> None:
    at = await redis_time(redis_client) - behind
    written = record("node-1", at - 1, started_at=at - 100, clock_skew_seconds=0.1)
    now = replace(written, at=at)
    async with answering(entry(now)) as address:
        known = replace(entry(written), admin_address=address)
        await redis_client.hset(keys.NODES, "node-1", encode(known))
        async with Reader(settings.load(REDIS_URL=redis_url)) as reader:
            snapshot = take(await reader.look(), 2.5)

    (node,) = snapshot.nodes
    assert node.state == "Up"
    assert node.last.at == pytest.approx(snapshot.at, abs=10)
    assert node.last.at - node.last.started_at == pytest.approx(100)
    assert node.last.at + node.last.clock_skew_seconds == pytest.approx(at + 0.1)
