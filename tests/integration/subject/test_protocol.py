import json
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from gateway.contract import keys, window
from gateway.contract.records import StoreStatus, encode
from subject import (
    ClusterMetrics,
    InvariantViolation,
    RateLimiterChecker,
    RateLimiterSubject,
    create_ratelimiter_subject_and_checker,
)
from subject import Store as SubjectStore
from subject.telemetry.redis_reads import redis_time
from tests.integration.subject.publishing import answering, patient, publish, publish_cluster
from tests.unit.subject.builders import NodeScript, always, entry, even, policies, record, steps

CLIENT = "k_0123456789abcdef"
STEADY = even(always(60), refused=always(5), clients={CLIENT: always(10)})


async def test_nodes_are_stores(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, STEADY, 20)
    await publish(redis_client, [record("node-4")], ended_seconds_ago=60)
    await publish(redis_client, [record("node-5", leaving=True)], ended_seconds_ago=60)

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        stores = await subject.get_stores()

    assert stores == [
        SubjectStore("node-1", "127.0.0.1:8081", "Up"),
        SubjectStore("node-2", "127.0.0.1:8082", "Up"),
        SubjectStore("node-3", "127.0.0.1:8083", "Up"),
        SubjectStore("node-4", "127.0.0.1:8084", "Down"),
        SubjectStore("node-5", "127.0.0.1:8085", "Offline"),
    ]


async def test_a_stores_metrics_carry_the_rejection_rate(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, STEADY, 20)

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        metrics = await subject.get_store_metrics("node-2")

    assert metrics.store_id == "node-2"
    assert metrics.qps == pytest.approx(20)
    assert metrics.latency_p99_ms == metrics.latency_p99 == pytest.approx(25)
    assert metrics.rejection_ratio == pytest.approx(0.25)
    assert 0 < metrics.disk_used_bytes < metrics.disk_total_bytes
    assert metrics.cpu_percent == pytest.approx(20)
    assert 0 <= metrics.raft_lag < 30


async def test_an_unknown_store_is_a_key_error(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, STEADY, 3)

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        with pytest.raises(KeyError, match="node-9"):
            await subject.get_store_metrics("node-9")


async def test_cluster_metrics_are_how_requests_are_spread(redis_client: Redis, redis_url: str) -> None:
    scripts = even(always(60))
    records = [
        replace(one, clients=("0" * 12, f"{place:012x}"))
        for place, node in enumerate(scripts, 1)
        for one in node.records(20)
    ]
    await publish(redis_client, records)

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        metrics = await subject.get_cluster_metrics()

    assert metrics == ClusterMetrics(3, 4, {"node-1": 200, "node-2": 200, "node-3": 200})


async def test_an_observation_is_json_and_says_all(redis_client: Redis, redis_url: str) -> None:
    table = policies("100/m").table
    await publish_cluster(redis_client, STEADY, 20, table)
    at = await redis_time(redis_client)
    number = window.sub_interval(round(at * window.MICROSECONDS), 60)
    await redis_client.hset(keys.window(CLIENT, keys.CLIENT_SCOPE, 60, 0), f"{number - 2}", "42")

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        observation = await subject.observe()

    assert json.loads(json.dumps(observation)) == observation
    assert observation["redis_connected"] is True
    assert observation["nodes"][0] == {"id": "node-1", "address": "127.0.0.1:8081", "state": "Up"}
    assert observation["counters"] == [
        {"key": CLIENT, "count": 42, "limit": 100, "remaining": 58, "period_seconds": 60}
    ]
    assert observation["node_metrics"]["node-1"]["latency_p99_ms"] == pytest.approx(4, rel=0.1)
    assert [found["code"] for found in observation["findings"]] == ["limit_breach"]


async def test_a_healthy_cluster_violates_nothing(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, even(always(60)), 60)
    subject, checker = create_ratelimiter_subject_and_checker(redis_url=redis_url)

    async with subject:
        assert checker.check(await subject.observe()) == []


async def test_a_skew_is_a_violation_whose_first_sight_is_kept(redis_client: Redis, redis_url: str) -> None:
    scripts = [NodeScript(f"node-{n}", always(rate)) for n, rate in ((1, 10), (2, 80), (3, 10))]
    await publish_cluster(redis_client, scripts, 60)
    checker = RateLimiterChecker()

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        (first,) = checker.check(await subject.observe())
        (second,) = checker.check(await subject.observe())

    assert isinstance(first, InvariantViolation)
    assert (first.invariant_name, first.store_id, first.severity) == ("node_skew", "node-2", "warning")
    assert first.first_seen.tzinfo is not None
    assert second.first_seen == first.first_seen
    assert second.last_seen > first.last_seen


async def test_a_long_lived_reader_reads_only_what_is_new(redis_client: Redis, redis_url: str) -> None:
    records = [one for node in even(always(60)) for one in node.records(30)]

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        written = await publish(redis_client, records[:20], ended_seconds_ago=2)
        await subject.observe()
        await redis_client.xtrim(keys.TELEMETRY, maxlen=0)
        await redis_client.xadd(
            keys.TELEMETRY, {"record": encode(replace(written[-1], at=written[-1].at + 1, sequence=99))}
        )
        await subject.observe()
        view = await subject._reader.look()

    assert len(view.records) == 21


async def test_a_silent_node_that_answers_is_not_down_though_redis_answers(
    redis_client: Redis, redis_url: str
) -> None:
    (silent,) = await publish(redis_client, [record("node-1")], ended_seconds_ago=50)
    answer = replace(silent, at=silent.at + 50, store=StoreStatus(False, 10, 5), sequence=9)
    async with (
        answering(entry(answer)) as address,
        RateLimiterSubject(settings=patient(redis_url)) as subject,
    ):
        mine = replace(entry(silent), admin_address=address)
        await redis_client.hset(keys.NODES, "node-1", encode(mine))
        observation = await subject.observe()

    assert observation["nodes"][0]["state"] == "Up"
    assert "store_down" in [found["code"] for found in observation["findings"]]


async def test_another_node_at_a_dead_ones_address_does_not_revive_it(
    redis_client: Redis, redis_url: str
) -> None:
    (silent,) = await publish(redis_client, [record("node-1")], ended_seconds_ago=50)
    async with answering(entry(replace(silent, node_id="node-7", at=silent.at + 50))) as address:
        mine = replace(entry(silent), admin_address=address)
        await redis_client.hset(keys.NODES, "node-1", encode(mine))
        async with RateLimiterSubject(settings=patient(redis_url)) as subject:
            stores = {store.id: store.state for store in await subject.get_stores()}

    assert stores["node-1"] == "Down"


@pytest.mark.parametrize("what", ["nodes", "overrides", "telemetry", "window", "wrong type"])
async def test_nothing_that_stands_in_redis_makes_it_raise(
    redis_client: Redis, redis_url: str, what: str
) -> None:
    await publish_cluster(redis_client, STEADY, 20, policies().table)
    if what == "nodes":
        await redis_client.hset(keys.NODES, "node-8", '{"address": 1}')
        await redis_client.hset(keys.NODES, "node-9", encode(entry(record("node-9", 9e18))))
        await redis_client.hset(keys.NODES, "node-7", encode(entry(record("node-7", -9e18))))
    elif what == "overrides":
        await redis_client.hset(keys.OVERRIDES, "limit:acme", b"\xff\xfe")
    elif what == "telemetry":
        await redis_client.xadd(keys.TELEMETRY, {"record": "{"})
        await redis_client.xadd(keys.TELEMETRY, {"other": "x"})
    elif what == "window":
        await redis_client.hset(keys.window(CLIENT, keys.CLIENT_SCOPE, 60, 0), "x", "y")
    else:
        await redis_client.set(keys.OVERRIDES, "x")

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        observation = await subject.observe()

    assert observation["redis_connected"] is True
    assert ("override_malformed" in {found["code"] for found in observation["findings"]}) is (
        what in ("overrides", "wrong type")
    )


async def test_a_spike_is_known_from_the_streams_history_at_the_first_look(
    redis_client: Redis, redis_url: str
) -> None:
    written = await publish_cluster(redis_client, even(steps((0, 60), (60, 400))), 70)

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        (found,) = (await subject.observe())["findings"]

    assert found["code"] == "spike_broad"
    assert found["since"] == pytest.approx(written[-1].at - 10, abs=2)


async def test_a_node_whose_record_cannot_be_read_is_a_store_that_is_down(
    redis_client: Redis, redis_url: str
) -> None:
    await redis_client.hset(keys.NODES, "node-9", "x")

    async with RateLimiterSubject(redis_url) as observer:
        stores = await observer.get_stores()
        of_store = await observer.get_store_metrics("node-9")
        of_cluster = await observer.get_cluster_metrics()
        seen = await observer.observe()

    assert stores == [SubjectStore("node-9", "", "Down")]
    assert (of_store.qps, of_store.raft_lag) == (0.0, float("inf"))
    assert (of_cluster.store_count, of_cluster.leader_count) == (1, {"node-9": 0})
    assert seen["nodes"] == [{"id": "node-9", "address": None, "state": "Down"}]
    assert set(seen["node_metrics"]["node-9"].values()) == {None}
    assert [found["code"] for found in seen["findings"]] == ["node_down"]


async def test_an_observation_says_which_findings_belong_together_and_why(
    redis_client: Redis, redis_url: str
) -> None:
    alone = steps((0, 0), (50, 20))
    await publish_cluster(redis_client, even(always(60), fallbacks=alone), 60)

    async with RateLimiterSubject(settings=patient(redis_url)) as subject:
        (problem,) = (await subject.observe())["problems"]

    assert (problem["code"], problem["severity"]) == ("store_down", "critical")
    assert [symptom["code"] for symptom in problem["symptoms"]] == ["fallback_active"]
    assert {"text", "confidence", "speaks_for", "speaks_against"} == set(problem["causes"][0])
