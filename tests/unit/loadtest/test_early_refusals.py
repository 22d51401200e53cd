"""Whether clients are refused before they have had what they may."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.limits import Limit
from loadtest import early_refusals
from loadtest.verdict import Passage
from tests.unit.loadtest.test_verdict import passage, some_passages


@given(some_passages(), st.integers(1, 12))
def test_the_most_that_a_window_can_have_counted_is_that_of_trying_all_alignments(
    passages: list[Passage], period: int
) -> None:
    starts = [half / 2 for half in range(-26, 80)]
    by_trying = max(
        sum(1 for p in passages if p.sent <= start + period and start <= p.at) for start in starts
    )
    assert early_refusals.most_in_window(passages, period) == by_trying


def test_who_is_refused_has_got_its_limit_but_for_a_tenth() -> None:
    limits = {"k": Limit(10, 1), "idle": Limit(10, 1)}
    enough = [passage(n / 10) for n in range(9)]
    assert early_refusals.refused_early(enough, limits, refused=4) == ()
    assert early_refusals.refused_early(enough[1:], limits, refused=0) == ()
    assert early_refusals.refused_early(enough[1:], limits, refused=4) == (
        "4 requests were refused, though no client can have got more than 8 through in any 1 s: 10/s",
    )
    assert early_refusals.refused_early([], limits, refused=4)
