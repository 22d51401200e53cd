"""What wavers about a threshold is found once, and not again and again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from subject.cluster.samples import Remembered
from subject.detectors import ALL
from subject.finding import Target
from subject.thresholds import Thresholds
from tests.unit.subject.builders import (
    ONE,
    START,
    NodeScript,
    Rate,
    always,
    even,
    policies,
    snapshot,
    steps,
)

pytestmark = pytest.mark.no_cover  # as for test_false_alarms.py

BEGIN, SECONDS = 60, 130
EAGER = Thresholds(clear_ratio=1.0)


def waves(usual: int, high: int, low: int, each: int = 12) -> Rate:
    """The usual, then in turn so many seconds of a little more and a little less than is asked."""
    return lambda second: usual if second < BEGIN else low if (second - BEGIN) // each % 2 else high


@dataclass(frozen=True)
class Wave:
    nodes: Sequence[NodeScript]
    skew: Callable[[int], float] = lambda _: 0.0
    missing: Callable[[int], bool] = lambda _: False  # a second of which node-2's record was lost


def skewed(high: int, low: int) -> list[NodeScript]:
    nodes = even(always(100))
    rest = waves(33, (100 - high) // 2, (100 - low) // 2)
    return [
        replace(nodes[0], requests=rest),
        replace(nodes[1], requests=waves(33, high, low)),
        replace(nodes[2], requests=rest),
    ]


def crowd(rate: Rate) -> list[NodeScript]:
    def newcomers(node: int) -> Callable[[int], Sequence[str]]:
        return lambda second: [f"{node}-{second}-{number}" for number in range(rate(second))]

    return [replace(node, newcomers=newcomers(place)) for place, node in enumerate(even(always(60)))]


def refused(rate: Rate, requests: int = 90) -> list[NodeScript]:
    clients = {"acme": rate}
    return even(always(requests), refused=rate, refused_clients=clients, clients=clients)


WAVES = {
    "spikes": Wave(even(waves(60, 150, 90, each=5))),
    "node_skew": Wave(skewed(54, 48)),
    "store_slow": Wave(even(always(60), round_trip_ms=waves(1, 12, 8))),
    "store_slow on most nodes": Wave(
        [
            replace(node, round_trip_ms=trip)
            for node, trip in zip(
                even(always(60)), (steps((0, 1), (60, 12)), waves(1, 12, 1), ONE), strict=True
            )
        ]
    ),
    "store_down": Wave([replace(node, fallbacks=waves(0, 20, 16, each=6)) for node in even(always(60))]),
    "fallback_active": Wave([replace(even(always(600))[0], fallbacks=waves(0, 3, 2))]),
    "limit_breach": Wave(refused(lambda second: waves(0, 3, 1 + second % 2)(second))[:1]),
    "limit_breach of the cluster": Wave(even(always(90), refused=waves(0, 7, 5))),
    "retry_storm": Wave(refused(waves(0, 4, 3))),
    "hot_key": Wave(
        even(
            always(90),
            clients={"acme": waves(2, 13, 10), **{f"client-{number}": always(1) for number in range(15)}},
        )
    ),
    "upstream_degraded": Wave(even(always(80), upstream_errors=waves(0, 2, 1))),
    "upstream_degraded, slow": Wave(even(always(90), upstream_ms=waves(20, 270, 230))),
    "traffic_drop": Wave(even(waves(60, 9, 15))),
    "cardinality_attack": Wave(crowd(waves(0, 8, 6))),
    "clock_skew": Wave(
        even(always(9)), skew=lambda second: 1.1 if second >= BEGIN and second % 4 < 2 else 0.9
    ),
    "node_flapping": Wave(
        even(always(9)),
        missing=lambda second: any(start <= second < start + 4 for start in (30, 50, 85, 104)),
    ),
}


def runs(name: str, thresholds: Thresholds) -> int:
    """How often it was found anew, in looks at each second."""
    wave, code = WAVES[name], name.partition(",")[0].partition(" ")[0]
    detector = next(one for one in ALL if one.__name__ == code)
    records = [
        replace(one, clock_skew_seconds=wave.skew(second))
        for node in wave.nodes
        for second, one in enumerate(node.records(SECONDS))
        if node.node_id != "node-2" or not wave.missing(second)
    ]
    remembered = Remembered()
    before: set[Target] = set()
    count = 0
    for second in range(BEGIN - 5, SECONDS):
        at = START + second + 0.9
        look = snapshot([one for one in records if one.at <= at], at, remembered, policies=policies())
        now = {one.subject for one in detector(look, thresholds)}
        count += len(now - before)
        before = now
    return count


@pytest.mark.parametrize("name", WAVES)
def test_what_wavers_about_its_threshold_is_one_finding(name: str) -> None:
    assert runs(name, Thresholds()) == 1


@pytest.mark.parametrize("name", WAVES)
def test_without_a_second_threshold_it_would_come_and_go(name: str) -> None:
    assert runs(name, EAGER) > 1
