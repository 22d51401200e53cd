"""Decisions that a callback is told of, without a coroutine that waits."""

import asyncio

import pytest
from redis.asyncio import Redis

from gateway.errors import StoreUnavailable
from gateway.limiter.batch import PendingCheck
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.limiter import LimiterResult, OnStoreFailure
from loadtest import redis_server
from tests.integration.gateway.limiter.node import (
    KEY,
    TEN,
    LimiterNode,
    eventually,
    hanging,
    limiter_node,
    settles_at,
)

HITS = (Hit(KEY, TEN),)


def asked(node: LimiterNode, told: list[LimiterResult]) -> PendingCheck:
    waiting = node.limiter.check(HITS, told.append)
    assert isinstance(waiting, PendingCheck)
    return waiting


def admitted(told: list[LimiterResult]) -> int:
    return sum(decided[0].admitted for decided in told if isinstance(decided, tuple))


async def test_who_asks_is_told_once_and_refused_units_go_back(redis_url: str, redis_client: Redis) -> None:
    async with limiter_node(redis_url) as node:
        told: list[LimiterResult] = []
        for _ in range(12):
            asked(node, told)
        assert told == []
        await eventually(lambda: len(told) >= 12)
        await settles_at(redis_client, 10)
    assert (len(told), admitted(told)) == (12, 10)
    assert node.counters.store_decisions == 12


async def test_a_remembered_refusal_is_told_at_once(redis_url: str) -> None:
    async with limiter_node(redis_url) as node:
        told: list[LimiterResult] = []
        recalled: list[LimiterResult | None] = []

        def hear(decided: LimiterResult) -> None:
            told.append(decided)
            if len(told) == 11:  # at once: it is remembered no longer than a sub-interval
                recalled.append(node.limiter.recall(HITS))

        for _ in range(11):
            node.limiter.check(HITS, hear)
        await eventually(lambda: len(told) == 11)
    (at_once,) = recalled
    assert isinstance(at_once, tuple)
    assert not at_once[0].admitted
    assert len(told) == 11


async def test_who_leaves_is_not_told_and_keeps_nothing(redis_url: str, redis_client: Redis) -> None:
    async with limiter_node(redis_url) as node:
        told: list[LimiterResult] = []
        before, behind = asked(node, told), asked(node, told)
        before.cancel()
        await asyncio.sleep(0)  # the question is on its way
        behind.cancel()
        asked(node, told)
        await settles_at(redis_client, 1)
    assert admitted(told) == len(told) == 1


async def test_an_answer_that_cannot_be_taken_costs_no_other_one(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: LimiterResult) -> None:
        raise ZeroDivisionError

    async with limiter_node(redis_url) as node:
        told: list[LimiterResult] = []
        node.limiter.check(HITS, fail)
        asked(node, told)
        await eventually(lambda: len(told) == 1)
        assert node.task_is_alive()
    assert "a decision could not be taken" in caplog.text


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("local", (WindowStatus(True, 9, 60.0),)), ("open", None), ("closed", "unavailable")],
)
async def test_without_redis_the_setting_decides_at_once(policy: OnStoreFailure, expected: object) -> None:
    told: list[LimiterResult] = []
    async with limiter_node("redis://127.0.0.1:1/0", on_failure=policy) as node:
        try:
            decided: object = node.limiter.check(HITS, told.append)
        except StoreUnavailable:
            decided = "unavailable"
    assert decided == expected
    assert told == []


@pytest.mark.parametrize("policy", ["local", "open", "closed"])
async def test_a_redis_that_does_not_answer_in_time_is_told_of(policy: OnStoreFailure) -> None:
    with redis_server.running() as server:
        async with limiter_node(server.url, deadline_seconds=0.05, on_failure=policy) as node:
            told: list[LimiterResult] = []
            with hanging(server.pid):
                staying, _ = asked(node, told), asked(node, told).cancel()
                await eventually(lambda: len(told) == 1)
                staying.cancel()  # has no effect any more
            await eventually(lambda: node.store.connected)
            async with Redis.from_url(server.url, decode_responses=True) as redis:
                await settles_at(redis, 1 if policy in ("local", "open") else 0)
    assert [type(decided) for decided in told] == [
        {"local": tuple, "open": type(None), "closed": StoreUnavailable}[policy]
    ]
