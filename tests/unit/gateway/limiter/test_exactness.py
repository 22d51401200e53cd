"""The window against an oracle that keeps every timestamp, for any order and error that promise 1 allows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.limiter import decision
from gateway.limiter.charge import Charge
from gateway.limiter.view import View
from tests.unit.gateway.limiter.nodes import SimulatedNode, World, units_by_field

START = 1_800_000_000_000_000


@dataclass(frozen=True)
class Batch:
    """`units` requests, `gap` µs after the last, stamped `error` × E off, given back `late` batches later."""

    gap: int
    units: int
    error: float
    late: int


def batches(period_seconds: int) -> st.SearchStrategy[list[Batch]]:
    width = period_seconds * window.MICROSECONDS // window.SUB_INTERVALS
    whole = period_seconds * window.MICROSECONDS
    gaps = st.one_of(
        st.integers(0, 3), st.integers(0, 2 * width), st.integers(0, whole), st.integers(whole - 5, whole)
    )
    batch = st.builds(
        Batch,
        gap=gaps,
        units=st.integers(1, 6),
        error=st.one_of(st.sampled_from([-1.0, 1.0]), st.floats(-1, 1)),
        late=st.integers(0, 3),
    )
    return st.lists(batch, min_size=1, max_size=60)


def replay(limit: Limit, script: list[Batch]) -> list[int]:
    """The Redis times of all admissions, by the product's own arithmetic on one hash."""
    period = limit.period_seconds
    tolerance = window.stamp_tolerance(period)
    fields: Counter[int] = Counter()
    owed: list[tuple[int, int, int]] = []
    admitted: list[int] = []
    now = START
    for turn, batch in enumerate(script):
        now += batch.gap
        for due, number, units in [debt for debt in owed if debt[0] <= turn]:
            owed.remove((due, number, units))
            fields[number] -= units
        stamp = now + int(batch.error * tolerance)
        number = window.sub_interval(stamp, period)
        view = View(period)
        view.read(fields, stamp, 0.0)
        fields[number] += batch.units
        assert decision.timely(stamp, period, [now])
        standings = [decision.decide([Charge("k", limit)], [view], stamp)[0] for _ in range(batch.units)]
        passed = sum(standing.admitted for standing in standings)
        admitted += [now] * passed
        if passed < batch.units:
            owed.append((turn + batch.late, number, batch.units - passed))
        for dead in decision.stray(fields, stamp, period)[0]:
            del fields[dead]
        assert len(fields) <= window.SUB_INTERVALS + 6
    return admitted


def most_in_any_window(times: list[int], width: int) -> int:
    """The oracle: of all half-open windows of `width`, the fullest (one of them ends at an admission)."""
    return max((sum(end - width < time <= end for time in times) for end in times), default=0)


@settings(max_examples=100, deadline=None)
@given(quota=st.integers(1, 12), period=st.sampled_from([1, 2, 10, 60]), data=st.data())
def test_no_window_of_any_alignment_holds_more_than_the_limit(
    quota: int, period: int, data: st.DataObject
) -> None:
    admitted = replay(Limit(quota, period), data.draw(batches(period)))
    assert most_in_any_window(admitted, period * window.MICROSECONDS) <= quota


@settings(max_examples=25, deadline=None)
@given(quota=st.integers(1, 50), period=st.sampled_from([1, 10, 60]), offset=st.integers(0, 10**8))
def test_a_client_that_never_stops_gets_its_limit_in_every_window_and_the_margin(
    quota: int, period: int, offset: int
) -> None:
    step = period * window.MICROSECONDS // (quota * 4)
    script = [Batch(offset, 1, 0.0, 1)] + [Batch(step, 1, 0.0, 1)] * (quota * 4 * 5)
    admitted = replay(Limit(quota, period), script)
    margin = period * window.MICROSECONDS * 1.05 + 2 * step
    span = admitted[-1] - admitted[0] + margin
    assert len(admitted) >= quota * int(span / margin)


def test_the_usual_sum_of_one_second_fields_lets_twice_the_limit_through() -> None:
    """Why the sum is not `now - second < W`: the oldest second still shares the window, and is left out."""
    quota, fields, admitted = 10, Counter[int](), list[int]()
    for at in [START + 900_000] * quota + [START + 900_000 + 59_200_000] * quota:
        second = at // window.MICROSECONDS
        fields[second] += 1
        if sum(count for field, count in fields.items() if second - field < 60) <= quota:
            admitted.append(at)
    assert most_in_any_window(admitted, 60 * window.MICROSECONDS) == 2 * quota


@dataclass(frozen=True)
class Step:
    """What one of two nodes does `gap` µs after the last step; Redis answers `works` of its commands then."""

    gap: int
    node: int
    costs: tuple[tuple[int, int], ...]
    """Of each request that comes: which windows it needs, and what it costs."""
    sends: bool
    error: float
    works: int
    hears: bool
    leaves: int | None


SHORT, LONG, SHADOW = "short", "long", "shadow"
NEEDS = ((SHORT,), (SHORT, LONG), (LONG,), (SHADOW, LONG), (SHORT, SHADOW))


def steps(period_seconds: int) -> st.SearchStrategy[list[Step]]:
    whole = period_seconds * window.MICROSECONDS
    width, tolerance = whole // window.SUB_INTERVALS, window.stamp_tolerance(period_seconds)
    gaps = st.one_of(
        st.integers(0, 2),
        st.integers(0, tolerance),
        st.integers(0, 3 * width),
        st.integers(whole - 4 * tolerance, whole),
    )
    needs_and_costs = st.tuples(st.integers(0, len(NEEDS) - 1), st.sampled_from([1, 1, 2, 3]))
    step = st.builds(
        Step,
        gap=gaps,
        node=st.integers(0, 1),
        costs=st.lists(needs_and_costs, max_size=4).map(tuple),
        sends=st.sampled_from([True, True, False]),
        error=st.sampled_from([-1.0, 1.0, -1.0, 1.0, 0.0, -4.0, 4.0]),
        works=st.sampled_from([100, 100, 0, 1, 2, 3, 5]),
        hears=st.sampled_from([True, True, False]),
        leaves=st.sampled_from([None] * 9 + list(range(9))),
    )
    return st.lists(step, min_size=15, max_size=60)


def run(script: list[Step], limits: Mapping[str, Limit]) -> World:
    world = World()
    nodes = SimulatedNode(world), SimulatedNode(world)
    tolerance = min(window.stamp_tolerance(limit.period_seconds) for limit in limits.values())
    for step in script:
        world.now += step.gap
        node = nodes[step.node]
        for needs, cost in step.costs:
            node.ask([Charge(key, limits[key], cost, shadow=key == SHADOW) for key in NEEDS[needs]])
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


@settings(max_examples=80, deadline=None)
@given(
    quotas=st.tuples(*[st.integers(2, 6)] * 3),
    periods=st.sampled_from([(1, 1), (1, 2), (1, 10), (2, 60), (10, 60), (60, 60)]),
    data=st.data(),
)
async def test_no_window_holds_more_than_its_limit_and_a_request_takes_all_or_nothing(
    quotas: tuple[int, int, int], periods: tuple[int, int], data: st.DataObject
) -> None:
    """Two nodes, several windows, costs, readings in part, refusals from memory, late and lost stamps."""
    short, long = periods
    limits = {
        key: Limit(quota, period)
        for key, quota, period in zip((SHORT, LONG, SHADOW), quotas, (short, long, long), strict=True)
    }
    world = run(data.draw(steps(data.draw(st.sampled_from(periods), "pace"))), limits)

    taken = units_by_field(world.taken)
    for key, limit in limits.items():
        units = [unit for unit in world.taken if unit.key == key]
        times = [unit.at for unit in units for _ in range(unit.units)]
        assert most_in_any_window(times, limit.period_seconds * window.MICROSECONDS) <= limit.quota
        tail = window.oldest_counted(world.last_stamp, limit.period_seconds) + 1
        standing = world.hashes.fields(key, world.now)
        for number in range(tail + 1, window.sub_interval(world.last_stamp, limit.period_seconds) + 1):
            at = key, number
            assert standing.get(number, 0) + world.hashes.expired[at] == taken[at], at
