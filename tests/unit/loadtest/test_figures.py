"""Figures that the upstream's log shows."""

import pytest

from loadtest import figures
from loadtest.scenarios.remedy import NodeRatio, UpstreamRate, WaySeconds
from loadtest.upstream_log import Arrival

LATEST = [Arrival(10.0, 10.1, "node-1", "k"), *([Arrival(10.0, 10.2, "node-2", "k")] * 3)]


def test_they_are_those_of_the_last_seconds() -> None:
    assert figures.of_arrivals(UpstreamRate(), LATEST) == 4 / figures.WINDOW_SECONDS
    assert figures.of_arrivals(NodeRatio("node-1"), LATEST) == 0.25
    assert figures.of_arrivals(WaySeconds(), LATEST) == pytest.approx(0.2)


def test_where_nothing_arrives_each_is_nothing() -> None:
    assert [figures.of_arrivals(one, []) for one in (UpstreamRate(), NodeRatio("n"), WaySeconds())] == [0] * 3
