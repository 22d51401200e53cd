"""The window against an oracle that keeps every timestamp, for any order and error that promise 1 allows."""

from collections import Counter
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.limiter import decision
from gateway.limiter.decision import Hit
from gateway.limiter.frame import SubIntervalFrame
from gateway.limiter.window_cache import CachedWindow, HashParser
from tests.unit.gateway.limiter.builders import hash_reply
from tests.unit.gateway.limiter.oracle import most_in_any_window

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
        cached, frame = CachedWindow("k", period), SubIntervalFrame(stamp, period)
        snapshot = HashParser().parse(hash_reply(fields), frame)
        cached.load(snapshot, frame, fields[number], 0.0)
        fields[number] += batch.units
        assert decision.stamp_error(stamp, (now, now)) <= frame.tolerance
        statuses = [decision.decide([Hit("k", limit)], [cached], stamp)[0] for _ in range(batch.units)]
        passed = sum(status.admitted for status in statuses)
        admitted += [now] * passed
        if passed < batch.units:
            owed.append((turn + batch.late, number, batch.units - passed))
        for dead in snapshot.expired:
            del fields[dead]
        assert len(fields) <= window.SUB_INTERVALS + 6
    return admitted


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
