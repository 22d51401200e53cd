from gateway.contract.histogram import from_counts
from subject.telemetry.sharing import shared
from tests.unit.subject.builders import START, record

BEFORE = record(at=START, latency=((70, 500), (80, 900)))
AFTER = record(at=START + 1, latency=((70, 500), (80, 901), (90, 1)))
OTHER = record("node-2", at=START + 1, latency=((70, 500),))


def test_records_are_as_they_were() -> None:
    assert list(shared([BEFORE, OTHER, AFTER], {})) == [BEFORE, OTHER, AFTER]


def test_what_a_node_has_not_counted_up_is_there_once() -> None:
    again = record(at=START + 1, latency=from_counts(dict(AFTER.latency)))
    assert again.latency[0] is not BEFORE.latency[0]

    (first, second) = shared([BEFORE, again], {})
    (later,) = shared([again], {"node-1": BEFORE})

    assert second.latency[0] is first.latency[0] is BEFORE.latency[0]
    assert later.latency[0] is BEFORE.latency[0]
