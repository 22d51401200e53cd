"""Why the service behind fails or is late."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.contract.records import UpstreamTotals
from tests.unit.subject.builders import NodeScript, always, cluster, even, snapshot, steps
from tests.unit.subject.causes.told import causes
from tests.unit.subject.scenes import together


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (lambda n: UpstreamTotals(20 * n, 5 * n), "errors of its own"),
        (lambda n: UpstreamTotals(15 * n, 0, broken=5 * n), "is stopped, cannot be reached"),
        (lambda n: UpstreamTotals(15 * n, 0, 0, timed_out=5 * n), "hangs"),
    ],
)
def test_how_the_service_fails_tells_why(kind: Callable[[int], UpstreamTotals], text: str) -> None:
    records = together(*(node.records(60) for node in even(always(60))))
    failing = (
        replace(one, upstream=kind(one.sequence - 40) if one.sequence > 40 else UpstreamTotals())
        for one in records
    )

    assert text in causes("upstream_degraded", snapshot(failing))[0].text


def test_a_late_service_is_loaded() -> None:
    found = cluster(*even(always(60), upstream_ms=steps((0, 20), (50, 600))), seconds=60)

    assert "loaded" in causes("upstream_degraded", found)[0].text


def test_failures_of_one_node_alone_are_of_its_way() -> None:
    nodes = [
        NodeScript("node-1", always(20)),
        NodeScript("node-2", always(20), phase=0.3),
    ]
    records = together(nodes[0].records(60), nodes[1].records(60))
    broken = (
        replace(one, upstream=UpstreamTotals(20 * one.sequence, broken=15 * max(0, one.sequence - 50)))
        if one.node_id == "node-2"
        else one
        for one in records
    )

    first = causes("upstream_degraded", snapshot(broken))[0]
    assert first.text == "the way from node-2 to it, as the other nodes get answers"
