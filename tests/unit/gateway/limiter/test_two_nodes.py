"""Two nodes on one Redis, several windows, costs: in any order of commands, with any stamps."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.limiter.decision import Hit
from tests.unit.gateway.limiter.builders import check, statuses
from tests.unit.gateway.limiter.nodes import SimulatedNode, World, units_by_field
from tests.unit.gateway.limiter.oracle import decisions, most_in_any_window

pytestmark = pytest.mark.no_cover  # the same few lines in thousands of orders

SHORT, LONG, SHADOW = "short", "long", "shadow"
NEEDS = ((SHORT,), (SHORT, LONG), (LONG,), (SHADOW, LONG), (SHORT, SHADOW))
PERIODS = st.sampled_from([(1, 1), (1, 2), (1, 10), (2, 60), (10, 60), (60, 60)])


@dataclass(frozen=True)
class Step:
    """What one node does `gap` µs after the last step; Redis answers `works` of its commands then."""

    gap: int
    node: int
    costs: tuple[tuple[tuple[str, ...], int], ...]
    """Of each request that comes: which windows it needs, and what it costs."""
    sends: bool
    error: float
    """Of the stamp, in E."""
    works: int
    hears: bool
    leaves: int | None

    def requests(self, limits: Mapping[str, Limit]) -> list[list[Hit]]:
        """Those that come."""
        return [
            [Hit(key, limits[key], cost, shadow=key == SHADOW) for key in needs] for needs, cost in self.costs
        ]


def scripts(period_seconds: int, most_errors: int) -> st.SearchStrategy[list[Step]]:
    """Steps at the pace of such a window: some at once, some at its other end."""
    whole = period_seconds * window.MICROSECONDS
    width, tolerance = whole // window.SUB_INTERVALS, window.stamp_tolerance(period_seconds)
    gaps = st.one_of(
        st.integers(0, 2),
        st.integers(0, tolerance),
        st.integers(0, 3 * width),
        st.integers(whole - 4 * tolerance, whole),
    )
    costs = st.tuples(st.sampled_from(NEEDS), st.sampled_from([1, 1, 2, 3]))
    step = st.builds(
        Step,
        gap=gaps,
        node=st.integers(0, 1),
        costs=st.lists(costs, max_size=4).map(tuple),
        sends=st.sampled_from([True, True, False]),
        error=st.sampled_from([-1.0, 1.0, -1.0, 1.0, 0.0, -most_errors, most_errors]),
        works=st.sampled_from([100, 100, 0, 1, 2, 3, 5]),
        hears=st.sampled_from([True, True, False]),
        leaves=st.sampled_from([None] * 9 + list(range(9))),
    )
    return st.lists(step, min_size=15, max_size=60)


@st.composite
def limit_sets(draw: st.DrawFn) -> dict[str, Limit]:
    """One for each kind of window."""
    short, long = draw(PERIODS)
    quotas = st.integers(2, 6) | st.integers(2, 30)
    periods = {SHORT: short, LONG: long, SHADOW: long}
    return {key: Limit(draw(quotas), period) for key, period in periods.items()}


def run(script: list[Step], limits: Mapping[str, Limit]) -> World:
    """Let it all happen, and settle."""
    world = World()
    nodes = SimulatedNode(world), SimulatedNode(world)
    tolerance = window.stamp_tolerance(limits[SHORT].period_seconds)
    for step in script:
        world.now += step.gap
        node = nodes[step.node]
        for hits in step.requests(limits):
            node.ask(hits)
        if step.sends:
            node.send(int(step.error * tolerance))
        node.work(step.works)
        if step.hears:
            node.hear()
        if step.leaves is not None:
            node.leave(step.leaves)
    for node in nodes:
        node.settle_all()
    return world


@settings(max_examples=60, deadline=None)
@given(limit_sets(), st.data())
def test_no_window_holds_more_than_its_limit_and_a_request_takes_all_or_nothing(
    limits: dict[str, Limit], data: st.DataObject
) -> None:
    """With readings in part, refusals from memory, units that go back late, answers of long ago."""
    pace = data.draw(st.sampled_from([limits[SHORT], limits[LONG]])).period_seconds
    world = run(data.draw(scripts(pace, most_errors=4)), limits)

    taken = units_by_field(world.taken)
    for key, limit in limits.items():
        period = limit.period_seconds
        times = [unit.at for unit in world.taken if unit.key == key for _ in range(unit.units)]
        assert most_in_any_window(times, period * window.MICROSECONDS) <= limit.quota
        fields = world.hashes.fields(key, world.now)
        tail = window.oldest_counted(world.last_stamp, period) + 1
        for number in range(tail + 1, window.sub_interval(world.last_stamp, period) + 1):
            at = key, number
            assert fields.get(number, 0) + world.hashes.expired[at] == taken[at], at


@settings(max_examples=30, deadline=None)
@given(limit_sets(), st.data())
def test_readings_in_part_decide_as_the_whole_hash_would(
    limits: dict[str, Limit], data: st.DataObject
) -> None:
    """Where what is refused goes back at once: a node sees late what came back to a closed sub-interval."""
    world = World()
    nodes = SimulatedNode(world), SimulatedNode(world)
    tolerance = window.stamp_tolerance(limits[SHORT].period_seconds)
    for step in data.draw(scripts(limits[SHORT].period_seconds, most_errors=1)):
        world.now += step.gap
        node = nodes[step.node]
        requests = step.requests(limits)
        before = {key: dict(world.hashes.fields(key, world.now)) for key in limits}
        checks = [check(*hits) for hits in requests]
        node.waiting += checks
        batch = node.send(int(step.error * tolerance))
        node.work(100)
        node.hear()

        answers = [statuses(each) for each in checks]
        assert [[(each.admitted, each.remaining) for each in of_one] for of_one in answers] == decisions(
            requests, before, batch.stamp
        )
        node.settle_all()
