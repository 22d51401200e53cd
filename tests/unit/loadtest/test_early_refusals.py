"""Whether clients are refused before they have had what they may."""

from gateway.contract.limits import Limit
from loadtest import early_refusals
from loadtest.passages import Passage


def test_who_is_refused_has_got_its_limit_but_for_a_tenth() -> None:
    limits = {"k": Limit(10, 1), "idle": Limit(10, 1)}
    enough = [Passage(n / 10, n / 10, "k") for n in range(9)]
    assert early_refusals.refused_early(enough, limits, refused=4) == ()
    assert early_refusals.refused_early(enough[1:], limits, refused=0) == ()
    assert early_refusals.refused_early(enough[1:], limits, refused=4) == (
        "4 requests were refused, though no client can have got more than 8 through in any 1 s: 10/s",
    )
    assert early_refusals.refused_early([], limits, refused=4)
