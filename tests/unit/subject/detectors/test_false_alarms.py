"""Steady traffic is no anomaly, at any rate."""

import random

import pytest

from subject.diagnosis import diagnose
from tests.unit.subject.builders import START, THRESHOLDS, NodeScript, poisson, snapshot


@pytest.mark.parametrize("rate", [5, 60, 500])
@pytest.mark.parametrize("seed", range(3))
def test_steady_random_traffic_raises_nothing_at_any_second(rate: int, seed: int) -> None:
    generator = random.Random(1000 * seed + rate)
    seconds = 125
    nodes = [NodeScript(f"node-{n}", poisson(generator, rate / 3), phase=n / 4) for n in (1, 2, 3)]
    records = [one for node in nodes for one in node.records(seconds)]
    for second in range(2, seconds, 3):
        at = START + second + 0.9
        found = diagnose(snapshot([one for one in records if one.at <= at], at), THRESHOLDS).findings
        assert found == ()
