from dataclasses import replace

from gateway.contract.telemetry import Totals
from subject.cluster.steps import Steps
from tests.unit.subject.builders import START, record

FIRST = record("node-1", START, boot=Totals(10), new_clients=5)


def test_a_node_that_has_long_been_silent_is_forgotten() -> None:
    steps = Steps()
    steps.add([FIRST])
    steps.kept(START + 1000, START + 2000)
    steps.add([replace(FIRST, at=START + 2000, sequence=2000, boot=Totals(20))])

    assert steps.kept(0, START + 4000) == ()


def test_counts_that_went_back_are_none() -> None:
    steps = Steps()
    steps.add([FIRST, replace(FIRST, at=START + 10, sequence=12, new_clients=-(2**62))])

    assert steps.kept(0, START + 4000) == ()
