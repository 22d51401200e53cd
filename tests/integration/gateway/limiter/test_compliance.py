"""The product's batches decide as a plain store does, and leave the same in Redis."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.contract.window import MICROSECONDS
from gateway.limiter.decision import Hit
from gateway.limiter.window_cache import READ_SECONDS
from loadtest import redis_server
from tests.integration.gateway.limiter.fast_store import FastStore
from tests.integration.gateway.limiter.plain_store import Answers, PlainStore

START = 1_800_000_000 * MICROSECONDS
MINUTE, HOUR = Limit(12, 60), Limit(40, 3600)
KEYS = {"minute": MINUTE, "hour": HOUR, "shadow": Limit(5, 60)}


class Both:
    """A plain store and a fast one, each with a database of its own."""

    def __init__(self, port: int) -> None:
        self.plain_redis, self.fast_redis = (Redis(port=port, db=db, decode_responses=True) for db in (0, 1))
        self.plain_redis.flushall()
        self.plain, self.fast = PlainStore(self.plain_redis), FastStore(port, 1)
        self.now = START

    def decide(self, *requests: list[Hit], node: int = 0) -> Answers:
        """By both, which must agree."""
        self.now += 1
        answers = self.fast.decide(requests, self.now, node)
        assert answers == self.plain.decide(requests, self.now)
        self.compare({hit.key: hit.limit for hits in requests for hit in hits})
        return answers

    def leave(self, at: int, hits: list[Hit], place: int) -> None:
        """Give back what a request took that was admitted at `at`, the `place`-th then."""
        self.plain.give_back(hits, at)
        self.fast.leave(at, place)

    def post(self, hit: Hit, passed_at: int, node: int) -> None:
        """A node let a request through at `passed_at` without Redis, and tells it now."""
        period = hit.limit.period_seconds
        bucket = window.sub_interval(passed_at, period)
        ended = (bucket + 1) * period * MICROSECONDS // window.SUB_INTERVALS
        number = window.sub_interval(min(ended, self.now), period)
        self.plain_redis.hincrby(hit.key, str(number), hit.cost)
        self.fast.post(hit, passed_at, self.now, node)
        self.now += int(READ_SECONDS * MICROSECONDS)

    def compare(self, windows: dict[str, Limit]) -> None:
        """What counts in both is the same, and what does not count is not kept for ever."""
        for key, limit in windows.items():
            plain, fast = (redis.hgetall(key) for redis in (self.plain_redis, self.fast_redis))
            counted = [
                window.counted(
                    {int(i): int(n) for i, n in fields.items() if i != window.BACKFILLED},
                    self.now,
                    limit.period_seconds,
                )
                for fields in (plain, fast)
            ]
            assert counted[0] == counted[1], key
            assert len(fast) <= window.SUB_INTERVALS + 7


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with redis_server.running() as server:
        yield server.port


@pytest.fixture
def both(port: int) -> Iterator[Both]:
    stores = Both(port)
    yield stores
    stores.fast.close()


def hit(name: str, cost: int = 1, generation: int = 0) -> Hit:
    return Hit(f"{name}:{generation}", KEYS[name], cost, shadow=name == "shadow")


def admitted(answers: Answers) -> list[bool]:
    return [statuses[0].admitted for statuses in answers]


def test_as_many_pass_as_fit_and_what_is_refused_goes_back(both: Both) -> None:
    assert admitted(both.decide(*[[hit("minute")]] * 14)) == [True] * 12 + [False] * 2
    assert admitted(both.decide([hit("minute")], node=1)) == [False]


def test_costs_take_as_many_units(both: Both) -> None:
    answers = both.decide([hit("minute", 5)], [hit("minute", 8)], [hit("minute", 7)])
    assert admitted(answers) == [True, False, True]


def test_of_several_windows_all_are_charged_or_none(both: Both) -> None:
    both.decide(*[[hit("minute")]] * 12)
    both.decide([hit("minute"), hit("hour")])
    assert both.decide([hit("hour")])[0][0].remaining == 39


def test_a_window_in_shadow_counts_what_fits_and_refuses_nobody(both: Both) -> None:
    answers = both.decide(*[[hit("minute"), hit("shadow")]] * 7)
    assert [statuses[1].admitted for statuses in answers] == [True] * 5 + [False] * 2
    assert admitted(answers) == [True] * 7


def test_who_leaves_gives_back_what_it_took(both: Both) -> None:
    both.decide([hit("minute", 5)], [hit("minute", 7)])
    both.leave(both.now, [hit("minute", 5)], 0)
    both.now += MICROSECONDS  # what a node knew a moment ago is stricter
    assert admitted(both.decide([hit("minute", 5)], [hit("minute")])) == [True, False]


def test_another_generation_is_another_window(both: Both) -> None:
    both.decide([hit("minute", 12)])
    answers = both.decide([hit("minute")], [hit("minute", generation=1)])
    assert admitted(answers) == [False, True]


def test_what_was_let_through_without_redis_counts_for_all_nodes(both: Both) -> None:
    for _ in range(12):
        both.now += MICROSECONDS
        both.decide([hit("hour")], node=1)
    both.post(hit("hour", 20), both.now - 3 * MICROSECONDS, node=0)
    for node in (0, 1):
        assert both.decide([hit("hour")], node=node)[0][0].remaining == 40 - 33 - node


def test_a_window_that_is_full_of_sub_intervals_slides(both: Both) -> None:
    passed = 0
    for _ in range(200):
        both.now += 700_000
        passed += sum(admitted(both.decide([hit("minute")], [hit("minute")])))
    assert passed >= 2 * 12


@dataclass(frozen=True)
class Step:
    """After a while some requests at one of the nodes."""

    gap: int
    node: int
    requests: list[list[Hit]]


NAMES = st.sampled_from([["minute"], ["minute", "hour"], ["hour"], ["minute", "shadow"], ["shadow"]])
COSTS = st.sampled_from([1, 1, 1, 2, 5])
REQUESTS = st.builds(lambda names, cost: [hit(name, cost) for name in names], NAMES, COSTS)
GAPS = st.sampled_from([0, 1000, 400_000, 999_999, 1_000_000, 2_500_000, 7_000_000, 59_000_000])
STEPS = st.builds(Step, gap=GAPS, node=st.integers(0, 1), requests=st.lists(REQUESTS, min_size=1, max_size=4))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=10, max_size=60))
def test_whatever_comes_both_stores_decide_alike(port: int, steps: list[Step]) -> None:
    """At one node at a time: what the other gave back it does not see at once."""
    stores = Both(port)
    for step in steps:
        stores.now += step.gap
        stores.decide(*step.requests, node=step.node)
    stores.fast.close()
