"""What the subject says where it sees little: a stream trimmed or full of garbage, clocks that are set.

What nodes write is synthetic; Redis and what reads it are real.
"""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError

from gateway.contract import keys
from gateway.contract.records import HISTORY_STREAM, STREAM_FIELD, TelemetryRecord, encode, for_history
from loadtest import redis_server
from subject import RateLimiterChecker, RateLimiterSubject
from subject.telemetry.redis_reads import redis_time
from tests.integration.subject.found import Found, found_in
from tests.integration.subject.publishing import patient, publish, publish_cluster, subject
from tests.unit.subject.builders import NodeScript, always, entry, even, record, steps

CALM = even(always(60))
SKEWED = [NodeScript(f"node-{n}", always(rate), phase=n / 4) for n, rate in ((1, 8), (2, 44), (3, 8))]
LONG_SECONDS = 20
"""What a busy machine may take for thirty megabytes."""


async def write(redis: Redis, records: list[TelemetryRecord], later: float) -> None:
    """Write them as nodes would, so many seconds later than they say."""
    async with redis.pipeline(transaction=False) as pipe:
        for one in records:
            moved = replace(one, at=one.at + later, started_at=one.started_at + later)
            pipe.xadd(keys.TELEMETRY, {STREAM_FIELD: encode(moved)})
            pipe.hset(keys.NODES, moved.node_id, encode(entry(moved)))
        await pipe.execute()


GARBAGE: dict[str, Callable[[], dict[Any, Any]]] = {
    "another field": lambda: {"note": "x"},
    "no JSON": lambda: {STREAM_FIELD: "{"},
    "another record": lambda: {STREAM_FIELD: encode(entry(record()))},
    "deep": lambda: {STREAM_FIELD: "[" * 100_000},
    "huge": lambda: {STREAM_FIELD: "x" * 3_000_000},
    "huge numbers": lambda: {STREAM_FIELD: encode(record()).replace(":0,", ":" + "9" * 5000 + ",")},
    "of another time": lambda: {STREAM_FIELD: encode(record(at=9e15))},
    "of nobody": lambda: {STREAM_FIELD: encode(record(""))},
}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_garbage_in_the_stream_hides_nothing_of_what_nodes_write(
    redis_client: Redis, redis_url: str, kind: str
) -> None:
    scripts = [NodeScript(f"node-{n}", always(rate)) for n, rate in ((1, 10), (2, 80), (3, 10))]
    await publish_cluster(redis_client, scripts, 60)
    for _ in range(10):
        await redis_client.xadd(keys.TELEMETRY, GARBAGE[kind]())

    unhurried = patient(redis_url).model_copy(update={"timeout_seconds": LONG_SECONDS})
    async with RateLimiterSubject(settings=unhurried) as goes_on:
        observations = [await goes_on.observe(), await goes_on.observe()]
    asks = {"SUBJECT_TIMEOUT_SECONDS": f"{LONG_SECONDS}"}
    run = await subject("diagnose", "--json", redis_url=redis_url, settings=asks)

    for observation in (*observations, json.loads(run.out)):
        assert observation["redis_connected"] is True
        assert ("node_skew", "node-2") in found_in(observation)
    assert (run.code, run.err) == (1, "")


@pytest.mark.parametrize("key", [keys.TELEMETRY, keys.NODES])
async def test_where_the_key_holds_something_else_nobody_says_that_all_is_well(
    redis_client: Redis, redis_url: str, key: str
) -> None:
    await publish_cluster(redis_client, CALM, 60)
    checker = RateLimiterChecker()
    async with RateLimiterSubject(settings=patient(redis_url)) as goes_on:
        well = checker.check(await goes_on.observe())
        await redis_client.delete(key)
        await redis_client.set(key, "x")
        observation = await goes_on.observe()
        told = checker.check(observation)
    runs = [await subject(*words, redis_url=redis_url) for words in (["diagnose"], ["status"], ["nodes"])]

    assert well == []
    assert observation["redis_connected"] is False
    assert {node["id"] for node in observation["nodes"]} == {"node-1", "node-2", "node-3"}
    assert [one.invariant_name for one in told] == ["observer_blind"]
    for run in runs:
        assert run.code == 3
        assert "Healthy" not in run.out
        assert f"{key} is no " in run.out


async def test_an_empty_stream_is_not_taken_for_no_traffic(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, CALM, 60)
    async with RateLimiterSubject(settings=patient(redis_url)) as goes_on:
        before = await goes_on.observe()
        await redis_client.delete(keys.TELEMETRY)
        after = await goes_on.observe()
        async with RateLimiterSubject(settings=patient(redis_url)) as fresh:
            new = await fresh.observe()

    for observation in (before, after, new):
        assert found_in(observation) == set()
        assert {node["state"] for node in observation["nodes"]} == {"Up"}


@pytest.mark.parametrize(("then", "expected"), [(CALM, set()), (SKEWED, {("node_skew", "node-2")})])
@pytest.mark.parametrize("by", [-7200, -600, -30, 30, 600, 7200])
async def test_whatever_redis_clock_is_set_by_what_nodes_write_is_seen_at_once(
    redis_client: Redis, redis_url: str, by: int, then: list[NodeScript], expected: Found
) -> None:
    """As if it had been set just now: what stands there was written by a clock that was so far apart."""
    before = [one for script in CALM for one in script.records(60)]
    last = {one.node_id: one for one in sorted(before, key=lambda one: one.at)}
    after = [
        replace(
            one,
            sequence=one.sequence + 60,
            started_at=one.started_at - 60,
            boot=one.boot + last[one.node_id].boot,
        )
        for script in then
        for one in script.records(14)
    ]
    newest = max(one.at for one in after)
    async with RateLimiterSubject(settings=patient(redis_url)) as goes_on:
        await write(redis_client, before, await redis_time(redis_client) - newest - 46 - by)
        await goes_on.observe()
        await write(redis_client, after, await redis_time(redis_client) - newest)
        async with RateLimiterSubject(settings=patient(redis_url)) as fresh:
            observations = [await goes_on.observe(), await fresh.observe()]
        views = [await goes_on._reader.look() for _ in range(3)]

    for observation in observations:
        assert found_in(observation) == expected
        assert {node["state"] for node in observation["nodes"]} == {"Up"}
    assert len({len(view.records) for view in views}) == 1


async def loaded(redis_url: str) -> None:
    """Wait until it has read its file."""
    async with Redis.from_url(redis_url) as client:
        while True:
            with suppress(BusyLoadingError):
                await client.ping()
                return
            await asyncio.sleep(0.05)


async def test_a_redis_that_is_started_again_with_what_it_had_is_one_outage(tmp_path: Any) -> None:
    kept = ("--appendonly", "yes", "--appendfsync", "always", "--dir", str(tmp_path))
    checker = RateLimiterChecker()
    with redis_server.running(*kept) as server:
        async with Redis.from_url(server.url, decode_responses=True) as client:
            await publish_cluster(client, CALM, 60)
        async with RateLimiterSubject(settings=patient(server.url)) as goes_on:
            calm = await goes_on.observe()
            os.kill(server.pid, signal.SIGKILL)
            away = await goes_on.observe()
            with redis_server.running(*kept, port=server.port):
                await loaded(server.url)
                back = await goes_on.observe()
                async with RateLimiterSubject(settings=patient(server.url)) as fresh:
                    new = await fresh.observe()

    tickets = [[one.invariant_name for one in checker.check(one)] for one in (calm, away, back)]
    assert tickets == [[], ["observer_blind"], ["observer_blind"]]
    for observation in (back, new):
        assert observation["redis_connected"] is True
        assert found_in(observation) == set()
        assert observation["nodes"] == calm["nodes"]


async def test_what_was_trimmed_before_it_was_read_is_no_pause_of_the_traffic(
    redis_client: Redis, redis_url: str
) -> None:
    records = [one for script in CALM for one in script.records(60)]
    newest = max(one.at for one in records)
    async with RateLimiterSubject(settings=patient(redis_url)) as goes_on:
        later = await redis_time(redis_client) - newest
        await write(redis_client, [one for one in records if one.at < newest - 8], later)
        await goes_on.observe()
        await write(redis_client, [one for one in records if one.at >= newest - 8], later)
        await redis_client.xtrim(keys.TELEMETRY, maxlen=0)
        observations = [await goes_on.observe(), await goes_on.observe()]
        metrics = await goes_on.get_store_metrics("node-1")

    assert [found_in(one) for one in observations] == [set(), set()]
    assert metrics.qps == pytest.approx(20, rel=0.1)


def attacked() -> list[TelemetryRecord]:
    """Seven minutes, of which the last four have five times the usual."""
    clients = {f"client-{number}": steps((0, 1), (180, 5)) for number in range(9)}
    nodes = even(steps((0, 60), (180, 300)), clients=clients)
    return sorted((one for node in nodes for one in node.records(420)), key=lambda one: one.at)


async def test_an_attack_that_lasts_for_minutes_is_found_by_who_has_just_been_started(
    redis_client: Redis, redis_url: str
) -> None:
    records = await publish(redis_client, attacked())
    for one in records:
        if HISTORY_STREAM.includes(one.sequence):
            text = encode(for_history(one))
            await redis_client.xadd(keys.HISTORY, {STREAM_FIELD: text}, id=f"{int(1000 * one.at)}-*")
    async with RateLimiterSubject(settings=patient(redis_url)) as fresh:
        first = await fresh.observe()
        await redis_client.delete(keys.HISTORY)
        later = await fresh.observe()
        await redis_client.set(keys.HISTORY, "x")
        async with RateLimiterSubject(settings=patient(redis_url)) as without:
            blind = await without.observe()
    run = await subject("status", "--json", redis_url=redis_url)

    for observation in (first, later):
        (spike,) = observation["findings"]
        assert spike["code"] == "spike_broad"
        assert abs(spike["since"] - (records[-1].at - 240)) < 15
        assert spike["evidence"][0]["baseline"] == pytest.approx(60, rel=0.1)
    assert blind["redis_connected"] is True
    assert f"{keys.HISTORY} is no stream" in json.loads(run.out)["unreadable"]
