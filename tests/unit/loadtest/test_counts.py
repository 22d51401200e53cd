"""The generator's counts."""

import pytest

from gateway.contract.records import Totals
from loadtest.counts import Counted, Counts, outcome


def test_counts_compare_to_what_a_node_counts_connection_failures_apart() -> None:
    counts = Counts(started=12, admitted=5, refused=3, failed=1, unidentified=1, connection_failures=1)
    assert counts.as_totals() == Totals(requests=10, admitted=5, refused=3, failed=1, unidentified=1)
    assert counts.unanswered == 2


def test_what_was_sent_is_what_was_started_to_any_node() -> None:
    assert Counted({"node-1": Counts(started=3), "node-2": Counts(started=4)}, dropped=5).sent == 7


@pytest.mark.parametrize(
    ("status", "became"),
    [(200, "failed"), (429, "refused"), (403, "refused"), (401, "unidentified"), (502, "failed")],
)
def test_what_a_node_passes_on_was_admitted_and_what_it_says_itself_tells_what_became(
    status: int, became: str
) -> None:
    assert outcome(status, is_upstreams=False) == became
    assert outcome(status, is_upstreams=True) == "admitted"
