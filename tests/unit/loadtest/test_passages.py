"""How full the windows of clients were, by when requests were sent and arrived."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.limits import Limit
from loadtest.passages import Busiest, Passage, busiest, largest_in_window, most_in_window


def passage(sent: float, at: float | None = None, key: str = "k") -> Passage:
    """A request that arrived when it was sent, unless told otherwise."""
    return Passage(sent, sent if at is None else at, key)


@st.composite
def some_passages(draw: st.DrawFn) -> list[Passage]:
    """Whole seconds, so that coincidences are frequent."""
    times = draw(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6)), max_size=25))
    return [passage(float(sent), float(sent + transit)) for sent, transit in times]


@given(some_passages(), st.integers(1, 12))
def test_the_largest_window_is_that_of_trying_all_alignments(passages: list[Passage], period: int) -> None:
    starts = [half / 2 for half in range(-2, 80)]
    by_trying = max(sum(1 for p in passages if start <= p.sent and p.at < start + period) for start in starts)
    assert largest_in_window(passages, period) == by_trying


@given(some_passages(), st.integers(1, 12))
def test_it_finds_at_least_what_the_longest_transit_for_all_would(
    passages: list[Passage], period: int
) -> None:
    transit = max((p.at - p.sent for p in passages), default=0.0)
    arrivals = [p.at for p in passages]
    shorter = period - transit
    by_arrivals = max((sum(1 for at in arrivals if a <= at < a + shorter) for a in arrivals), default=0)
    assert largest_in_window(passages, period) >= by_arrivals


@given(some_passages(), st.integers(1, 12))
def test_the_most_that_a_window_can_have_counted_is_that_of_trying_all_alignments(
    passages: list[Passage], period: int
) -> None:
    starts = [half / 2 for half in range(-26, 80)]
    by_trying = max(
        sum(1 for p in passages if p.sent <= start + period and start <= p.at) for start in starts
    )
    assert most_in_window(passages, period) == by_trying


def test_requests_a_period_apart_share_no_window() -> None:
    assert largest_in_window([passage(0.0), passage(10.0)], 10) == 1
    assert largest_in_window([passage(0.0), passage(9.999)], 10) == 2


def test_a_request_longer_under_way_than_the_window_proves_nothing() -> None:
    assert largest_in_window([passage(0.0, 11.0), passage(0.0, 12.0)], 10) == 0


def test_the_client_nearest_to_its_own_limit_is_the_one_to_look_at() -> None:
    passages = [passage(n / 100, key="small") for n in range(9)] + [passage(0.0, key="large")] * 50
    limits = {"small": Limit(10, 1), "large": Limit(1000, 1), "idle": Limit(1, 1)}
    assert busiest(passages, limits) == Busiest("small", 9, Limit(10, 1))
    assert busiest([], limits) is None


def test_keys_that_are_used_once_have_no_limit_to_look_at() -> None:
    assert busiest([passage(0.0, key="new")] * 3 + [passage(0.0)], {"k": Limit(5, 1)}) == Busiest(
        "k", 1, Limit(5, 1)
    )
