"""What counts of a cluster with other clients can be held against."""

from gateway.contract.limits import parse_limits
from gateway.contract.telemetry import Totals
from loadtest.counts import Counted, Counts
from loadtest.elsewhere import books
from loadtest.elsewhere.front import Front
from loadtest.elsewhere.setting import of_limits

SEEN = {"node-1": Counts(started=10, admitted=7, refused=3)}


def test_others_only_add_to_what_a_node_counts() -> None:
    more = {"node-1": Totals(requests=15, admitted=11, refused=4)}
    assert books.too_few(SEEN, more) == []
    assert "5 requests were not ours, beside 10 of ours" in books.others(SEEN, more)


def test_a_node_that_counted_fewer_than_its_senders_saw_has_failed_whoever_else_sends() -> None:
    fewer = {"node-1": Totals(requests=15, admitted=13, refused=2)}
    assert books.too_few(SEEN, fewer) == ["node-1 counted 2 requests as refused, and the senders alone saw 3"]
    assert books.too_few(SEEN, {}) != []


def test_what_found_out_where_nodes_are_is_counted_too() -> None:
    counted = Counted({"node-1": SEEN["node-1"]}, dropped=0)
    front = Front([("node-1", "http://node")], {"node-1": Counts(started=5, admitted=5)})
    assert books.with_probes(counted, front) == {"node-1": Counts(started=15, admitted=12, refused=3)}


def test_a_limit_of_several_windows_has_one_that_binds() -> None:

    setting = of_limits((), (), 30.0, parse_limits("10/s,500/m"))
    assert (str(setting.limit), [str(one) for one in setting.other_windows]) == ("500/m", ["10/s"])
