"""Whether a client kept to its limits, where somebody changed them."""

from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.limits import Limit
from loadtest import limit_changes
from loadtest.limit_changes import LimitChange
from loadtest.passages import Busiest, Passage

PERIOD = 5
FIRST = Limit(4, PERIOD)
RAISED = LimitChange("client-1", Limit(9, PERIOD), began_at=20.0, in_force_at=21.0)
LOWERED = LimitChange("client-1", Limit(2, PERIOD), began_at=20.0, in_force_at=21.0)


def arrivals(*times: float) -> list[Passage]:
    """Requests that arrive when they are sent."""
    return [Passage(at, at, "k") for at in times]


def nearest(passages: list[Passage], *changes: LimitChange) -> Busiest:
    found = limit_changes.busiest(passages, {"k": FIRST}, {"k": changes} if changes else {})
    assert found is not None
    return found


def test_while_a_change_is_made_either_limit_may_be_in_force() -> None:
    limits = [
        limit_changes.highest(FIRST, [LOWERED], *span) for span in ((0.0, 19.9), (19.9, 20.5), (20.5, 21.0))
    ]
    assert limits == [FIRST, FIRST, FIRST]
    assert limit_changes.highest(FIRST, [LOWERED], 21.1, 99.0) == LOWERED.limit
    assert limit_changes.highest(FIRST, [RAISED], 0.0, 19.9) == FIRST
    assert limit_changes.highest(FIRST, [RAISED], 19.9, 20.0) == RAISED.limit


def test_more_than_before_is_right_once_the_limit_is_raised() -> None:
    nine = arrivals(*(30 + place / 10 for place in range(9)))
    assert nearest(nine, RAISED) == Busiest("k", 9, RAISED.limit)
    assert not nearest(nine).is_kept


def test_what_a_raised_limit_allows_is_too_much_before_it() -> None:
    found = nearest(arrivals(10, 10.1, 10.2, 10.3, 10.4, 30), RAISED)
    assert found == Busiest("k", 5, FIRST)
    assert not found.is_kept


def test_nothing_may_come_through_a_lowered_limit_while_its_window_holds_more() -> None:
    before = arrivals(19.0, 19.1, 19.2)
    assert nearest([*before, *arrivals(24.2)], LOWERED).is_kept
    one_too_many = nearest([*before, *arrivals(22.0)], LOWERED)
    assert one_too_many == Busiest("k", 4, LOWERED.limit)


def test_who_kept_to_limits_that_were_not_changed_is_judged_as_ever() -> None:
    passages = [*arrivals(1.0, 1.1, 1.2), *(Passage(at, at, "other") for at in (2.0, 2.1))]
    found = limit_changes.busiest(passages, {"k": FIRST, "other": Limit(2, PERIOD)}, {"k": (RAISED,)})
    assert found == Busiest("other", 2, Limit(2, PERIOD))
    assert limit_changes.busiest([], {"k": FIRST}, {"k": (RAISED,)}) is None


def test_changes_belong_to_the_key_of_their_client_in_the_order_in_which_they_were_made() -> None:
    back = LimitChange("client-1", FIRST, 40.0, 41.0)
    other = LimitChange("client-2", FIRST, 30.0, 31.0)
    keys = {"client-1": "k", "client-2": "j", "client-3": "i"}
    assert limit_changes.by_key(keys, [back, other, RAISED]) == {"k": (RAISED, back), "j": (other,)}


@st.composite
def admitted(draw: st.DrawFn) -> tuple[list[Passage], list[LimitChange]]:
    """What an exact limiter lets through, whose limit is changed now and then. It counted each request at
    some time between its being sent and its arrival, and while a limit was being changed it took the one or
    the other."""
    quotas = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    starts = sorted(draw(st.lists(st.integers(1, 60), min_size=3, max_size=3, unique=True)))
    changes = [
        LimitChange("client-1", Limit(quota, PERIOD), float(start), start + 0.75)
        for start, quota in zip(starts, quotas, strict=False)
    ]
    counted: list[float] = []
    passages = []
    for tick in sorted(draw(st.lists(st.integers(0, 280), max_size=60))):
        now = tick / 4
        held = [FIRST, *(change.limit for change in changes if change.began_at <= now)]
        is_open = any(change.began_at <= now <= change.in_force_at for change in changes)
        limit = held[-2] if is_open and draw(st.booleans()) else held[-1]
        if len(counted) - bisect_right(counted, now - PERIOD) < limit.quota:
            counted.append(now)
            before, after = draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
            passages.append(Passage(now - before / 4, now + after / 4, "k"))
    return passages, changes


@given(admitted())
def test_an_exact_limiter_is_never_found_over_its_limits(
    case: tuple[list[Passage], list[LimitChange]],
) -> None:
    passages, changes = case
    found = limit_changes.busiest(passages, {"k": FIRST}, {"k": changes})
    assert found is None or found.is_kept


def test_the_lowest_limit_is_that_before_a_raise_and_after_a_cut() -> None:
    limits = {"raised": FIRST, "lowered": FIRST, "other": FIRST}
    changes = {"raised": [RAISED], "lowered": [LOWERED]}
    assert limit_changes.lowest(limits, changes) == {
        "raised": FIRST,
        "lowered": LOWERED.limit,
        "other": FIRST,
    }
