"""The generator's counts."""

import json

from loadtest import generator
from loadtest.diagnosis import NodeTotals
from loadtest.generator import Counts


def test_counts_compare_to_what_a_node_counts_connection_failures_apart() -> None:
    counts = Counts(started=12, admitted=5, refused=3, failed=1, unidentified=1, connection_failures=1)
    assert counts.as_totals() == NodeTotals(requests=10, admitted=5, refused=3, failed=1, unidentified=1)
    assert counts.unanswered == 2


def test_the_locustfiles_report_is_read() -> None:
    node = dict.fromkeys(("failed", "unidentified", "connection_failures"), 0)
    node |= {"started": 3, "admitted": 2, "refused": 1}
    counted = generator.parse_report(json.dumps({"nodes": {"node-1": node}, "dropped": 4}))
    assert counted.nodes == {"node-1": Counts(3, 2, 1, 0, 0, 0)}
    assert counted.dropped == 4
