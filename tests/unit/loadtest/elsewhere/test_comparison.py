"""What senders saw, held against what nodes counted."""

from gateway.contract.records import Totals
from loadtest.counts import Counts
from loadtest.elsewhere.comparison import compared

MORE = {"node-1": Totals(requests=15, admitted=11, refused=4)}
SEEN = {"node-1": Counts(started=10, admitted=7, refused=3)}


def test_others_only_add_to_what_a_node_counts() -> None:
    found = compared(SEEN, MORE, lost={}, has_others=True)
    assert not found.are_equal
    assert (found.problems, found.open_questions) == ((), ())
    assert "5 requests were not ours, beside 10 of ours" in found.notes[0]


def test_more_than_was_sent_is_left_open_where_nobody_else_was_seen() -> None:
    found = compared(SEEN, MORE, lost={}, has_others=False)
    assert (found.problems, found.notes) == ((), ())
    assert "5 requests more than the 10 of ours" in found.open_questions[0]


def test_a_node_that_counted_fewer_than_its_senders_saw_has_failed_whoever_else_sends() -> None:
    fewer = {"node-1": Totals(requests=15, admitted=13, refused=2)}
    for has_others in (True, False):
        found = compared(SEEN, fewer, lost={}, has_others=has_others)
        assert found.problems == ("node-1 counted 2 requests as refused, and the senders alone saw 3",)
        assert compared(SEEN, {}, lost={}, has_others=has_others).problems


def test_what_a_node_lost_when_it_died_is_left_open() -> None:
    fewer = {"node-1": Totals(requests=8, admitted=6, refused=2)}
    found = compared(SEEN, fewer, lost={"node-1": "node-1 was started anew"}, has_others=False)
    assert found.problems == ()
    assert found.open_questions[0].endswith("node-1 was started anew meanwhile")
