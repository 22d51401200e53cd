import pytest

from subject.detectors import upstream
from subject.detectors.upstream import upstream_degraded
from subject.finding import CLUSTER, Finding, Target
from tests.unit.subject.builders import (
    NEVER,
    START,
    THRESHOLDS,
    NodeScript,
    Rate,
    always,
    cluster,
    even,
    steps,
)

TWENTY, SIXTY = always(20), always(60)


def found(
    errors: Rate = NEVER, ms: Rate = TWENTY, requests: Rate = SIXTY, seconds: int = 60
) -> list[Finding]:
    """Of three nodes; `errors` are each one's."""
    nodes = even(requests, upstream_errors=errors, upstream_ms=ms)
    return upstream_degraded(cluster(*nodes, seconds=seconds), THRESHOLDS)


def test_a_service_that_fails_is_found_since_it_does() -> None:
    (degraded,) = found(errors=steps((0, 0), (50, 5)))

    assert degraded.subject == CLUSTER
    assert degraded.since == pytest.approx(START + 50, abs=1)
    assert degraded.severity == "warning"


def test_one_that_fails_most_is_critical() -> None:
    (degraded,) = found(errors=steps((0, 0), (45, 18)))

    assert degraded.severity == "critical"


@pytest.mark.parametrize(("errors", "expected"), [(0, False), (1, True)])
def test_one_in_twenty_is_the_border(errors: int, expected: bool) -> None:
    assert bool(found(errors=always(errors))) is expected


def test_of_few_answers_a_failure_says_little() -> None:
    assert found(errors=lambda second: int(second == 55), requests=lambda second: int(second % 2 == 0)) == []


def test_a_burst_of_a_second_is_no_state() -> None:
    assert found(errors=lambda second: 20 * (second == 57)) == []


def test_it_is_over_ten_seconds_after() -> None:
    assert found(errors=steps((0, 0), (30, 20), (45, 0))) == []


def test_a_service_that_became_slow_is_found_since_it_did() -> None:
    (degraded,) = found(ms=steps((0, 20), (50, 600)))

    assert degraded.since == pytest.approx(START + 50, abs=1)
    assert "instead of 20 ms" in degraded.summary or "instead of 21 ms" in degraded.summary


@pytest.mark.parametrize(
    ("before", "after", "expected"), [(20, 200, False), (100, 450, False), (100, 600, True)]
)
def test_slow_is_more_than_a_quarter_of_a_second_and_five_times_the_usual(
    before: int, after: int, expected: bool
) -> None:
    assert bool(found(ms=steps((0, before), (50, after)))) is expected


def test_a_few_failures_that_chance_put_on_one_node_are_the_service_s() -> None:
    few = steps((0, 0), (52, 1), (58, 0))
    nodes = [
        NodeScript(f"node-{n}", always(3), upstream_errors=few if n == 2 else always(0)) for n in (1, 2, 3)
    ]

    (degraded,) = upstream_degraded(cluster(*nodes, seconds=60), THRESHOLDS)

    assert degraded.evidence[1].now == pytest.approx(6)
    assert degraded.subject == CLUSTER


def test_failures_of_one_node_alone_are_its_own() -> None:
    nodes = [
        NodeScript("node-1", always(20)),
        NodeScript("node-2", always(20), upstream_errors=steps((0, 0), (50, 15)), phase=0.3),
    ]
    (degraded,) = upstream_degraded(cluster(*nodes, seconds=60), THRESHOLDS)

    assert degraded.subject == Target("node", "node-2")


@pytest.mark.no_cover  # as for test_false_alarms.py
@pytest.mark.parametrize("ms", [20, 170, 180, 200, 400])
@pytest.mark.parametrize("errors", [0, 1, 2, 6])
def test_what_spares_the_rest_hides_nothing(errors: int, ms: int, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = {"errors": steps((0, 0), (40, errors), (50, 0)), "ms": steps((0, 20), (40, ms), (50, 20))}
    lengths = range(38, 66, 3)
    spared = [found(**faults, seconds=seconds) for seconds in lengths]
    monkeypatch.setattr(upstream, "_may_be_degraded", lambda *_: True)

    assert spared == [found(**faults, seconds=seconds) for seconds in lengths]
