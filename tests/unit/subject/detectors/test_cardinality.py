from collections.abc import Callable, Sequence
from itertools import count

import pytest

from subject.detectors.cardinality import cardinality_attack
from subject.finding import CLUSTER, Finding
from tests.unit.subject.builders import START, THRESHOLDS, NodeScript, always, cluster, snapshot

Newcomers = Callable[[int], Sequence[str]]
KNOWN = [f"known-{number}" for number in range(10_000)]
"""Who is new to each node in its first second."""


def newcomers(*parts: tuple[int, int], known: Sequence[str] = KNOWN) -> Newcomers:
    """(from second, how many) pairs, of whom nobody was here before; and those who are known in second 0."""
    names = (f"fresh-{number}" for number in count())
    drawn: dict[int, list[str]] = {0: list(known)}

    def draw(second: int) -> Sequence[str]:
        if second not in drawn:
            number = next(number for start, number in reversed(parts) if second >= start)
            drawn[second] = [next(names) for _ in range(number)]
        return drawn[second]

    return draw


def found(*parts: tuple[int, int], requests: int = 100, seconds: int = 60) -> list[Finding]:
    """On one node of two; the other has the same clients and no new ones."""
    nodes = [
        NodeScript("node-1", always(requests), newcomers=newcomers(*parts)),
        NodeScript("node-2", always(requests), newcomers=newcomers((0, 0)), phase=0.4),
    ]
    return cardinality_attack(cluster(*nodes, seconds=seconds), THRESHOLDS)


def test_fresh_keys_in_numbers_are_found_since_they_come() -> None:
    (attack,) = found((0, 1), (50, 90))

    assert attack.subject == CLUSTER
    assert attack.since == START + 50
    assert [(item.metric, item.now) for item in attack.evidence[:1]] == [("new_clients", 90.0)]


@pytest.mark.parametrize("parts", [((0, 1), (50, 10)), ((0, 15), (50, 90)), ((0, 90),)])
def test_few_or_ten_times_the_usual_at_most_are_none(parts: tuple[tuple[int, int], ...]) -> None:
    assert found(*parts) == []


def test_new_clients_that_are_a_small_part_of_the_requests_are_none() -> None:
    assert found((0, 1), (50, 90), requests=1000) == []


def test_it_is_over_when_they_come_no_more() -> None:
    assert found((0, 1), (40, 90), (50, 1)) == []


def test_the_start_of_traffic_is_none() -> None:
    assert not any(found((0, 90), (10, 1), seconds=seconds) for seconds in range(3, 60))


def test_a_node_that_was_started_again_meets_clients_that_are_known() -> None:
    """It is new to none of them to the cluster, however many they are."""
    other = NodeScript("node-2", always(100), newcomers=newcomers((0, 0)), phase=0.4).records(70)
    for known in (KNOWN[:50], KNOWN[:500], KNOWN):
        node = NodeScript("node-1", always(100), newcomers=newcomers((0, 0), known=known)).records(50)
        slices = {second: known[(second - 52) * 90 : (second - 51) * 90] for second in range(52, 70)}

        def meets(second: int, slices: dict[int, list[str]] = slices) -> Sequence[str]:
            return slices.get(second, [])

        restarted = NodeScript("node-1", always(100), newcomers=meets, boot_id="boot-b")
        for seconds in range(53, 70, 2):
            records = [*node, *restarted.records(seconds, 52), *other[:seconds]]
            assert cardinality_attack(snapshot(records), THRESHOLDS) == []


def test_an_attack_on_a_small_cluster_is_found_too() -> None:
    nodes = [NodeScript("node-1", always(60), newcomers=newcomers((0, 0), (50, 50), known=KNOWN[:5]))]

    assert len(cardinality_attack(cluster(*nodes, seconds=58), THRESHOLDS)) == 1
