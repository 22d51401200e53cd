"""One cause with several symptoms is one problem, and two causes at once are two."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from subject.cluster.snapshot import Snapshot
from subject.diagnosis.grouping import explained, root
from subject.diagnosis.problems import Problem, diagnose
from subject.finding import CLUSTER, Finding, Target
from tests.unit.subject.builders import (
    START,
    THRESHOLDS,
    NodeScript,
    always,
    cluster,
    even,
    policies,
    snapshot,
    steps,
)
from tests.unit.subject.findings import finding
from tests.unit.subject.scenes import (
    FULL_REDIS,
    SCENES,
    crowd,
    drift_that_one_node_refuses_by,
    evicting,
    flood_that_the_service_cannot_take,
    flooded,
    together,
    without_redis,
)

NODE, CLIENT = Target("node", "node-2"), Target("client", "acme")
QUIET = cluster(*even(always(60)), seconds=60)


def shape(found: Snapshot) -> dict[str, set[str]]:
    """Each problem's code, with those of what it explains."""
    return {
        problem.finding.code: {symptom.code for symptom in problem.symptoms}
        for problem in diagnose(found, THRESHOLDS).problems
    }


@pytest.mark.parametrize("code", SCENES)
def test_each_code_by_itself_is_one_problem(code: str) -> None:
    assert list(shape(SCENES[code]())) == [code]


def dead_node() -> Snapshot:
    nodes = [
        NodeScript("node-1", steps((0, 20), (40, 55)), phase=0.1),
        NodeScript("node-2", always(20), phase=0.5),
        NodeScript("node-3", always(5), phase=0.7),
    ]
    return snapshot(
        together(*(node.records(55) for node in nodes), NodeScript("node-4", always(35)).records(40))
    )


def dead_node_with_its_clients() -> Snapshot:
    nodes = [NodeScript("node-1", always(3), phase=0.1), NodeScript("node-2", always(3), phase=0.5)]
    return snapshot(
        together(*(node.records(60) for node in nodes), NodeScript("node-3", always(60)).records(50))
    )


def two_nodes_dead_at_once() -> Snapshot:
    nodes = even(always(60), nodes=4)
    return snapshot(
        together(*(node.records(60) for node in nodes[:2]), *(node.records(50) for node in nodes[2:]))
    )


def one_node_gets_all() -> Snapshot:
    nodes = [
        NodeScript("node-1", steps((0, 20), (50, 60)), phase=0.1),
        NodeScript("node-2", steps((0, 20), (50, 0)), phase=0.5),
        NodeScript("node-3", steps((0, 20), (50, 0)), phase=0.7),
    ]
    return cluster(*nodes, seconds=60)


def slow_redis() -> Snapshot:
    late, alone = steps((0, 1), (50, 80)), steps((0, 0), (50, 3))
    return cluster(*even(always(60), round_trip_ms=late, fallbacks=alone), seconds=60)


def storm() -> Snapshot:
    asked, refused = steps((0, 1), (52, 60)), steps((0, 0), (52, 57))
    return cluster(*crowd(asked, refused, each=1, others=15), seconds=64, policies=policies())


def storm_through_one_node() -> Snapshot:
    asked, refused = steps((0, 1), (50, 60)), steps((0, 0), (50, 55))
    nodes = even(always(60))
    stormy = replace(
        nodes[1],
        requests=steps((0, 20), (50, 80)),
        refused=refused,
        clients={"acme": asked},
        refused_clients={"acme": refused},
    )
    return cluster(nodes[0], stormy, nodes[2], seconds=62, policies=policies())


def failing_service_that_clients_leave() -> Snapshot:
    return cluster(*even(steps((0, 60), (53, 6)), upstream_errors=steps((0, 0), (45, 2))), seconds=63)


def failing_service_that_clients_ask_again() -> Snapshot:
    clients = {f"client-{n}": steps((0, 1), (53, 5)) for n in range(20)}
    nodes = even(
        steps((0, 60), (53, 300)), upstream_errors=steps((0, 0), (50, 15), (53, 75)), clients=clients
    )
    return cluster(*nodes, seconds=60)


def attack() -> Snapshot:
    requests = steps((0, 60), (50, 260))
    nodes = flooded(requests, new=150, round_trip_ms=steps((0, 1), (51, 70)))
    return snapshot(evicting(together(*(node.records(60) for node in nodes)), 51), redis=FULL_REDIS)


def outage_that_clients_are_refused_in() -> Snapshot:
    alone, refused = steps((0, 0), (50, 20)), steps((0, 0), (52, 3))
    nodes = even(
        always(60),
        fallbacks=alone,
        clients={"acme": always(8)},
        refused=refused,
        refused_clients={"acme": refused},
    )
    return cluster(*nodes, seconds=60, policies=policies())


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        (dead_node, {"node_down": {"node_skew"}}),
        (dead_node_with_its_clients, {"node_down": {"traffic_drop"}}),
        (two_nodes_dead_at_once, {"node_down": {"node_down"}}),
        (one_node_gets_all, {"node_skew": {"traffic_drop"}}),
        (SCENES["store_down"], {"store_down": {"fallback_active"}}),
        (without_redis, {"store_down": {"fallback_active"}, "node_down": set()}),
        (slow_redis, {"store_slow": {"fallback_active"}}),
        (storm, {"retry_storm": {"spike_single", "limit_breach", "hot_key"}}),
        (storm_through_one_node, {"retry_storm": {"spike_single", "limit_breach", "node_skew"}}),
        (failing_service_that_clients_leave, {"upstream_degraded": {"traffic_drop"}}),
        (failing_service_that_clients_ask_again, {"upstream_degraded": {"spike_broad"}}),
        (flood_that_the_service_cannot_take, {"spike_broad": {"upstream_degraded"}}),
        (attack, {"cardinality_attack": {"spike_broad", "store_evicting", "store_slow"}}),
        (drift_that_one_node_refuses_by, {"config_drift": {"limit_breach"}}),
        (outage_that_clients_are_refused_in, {"store_down": {"fallback_active", "limit_breach"}}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_one_cause_is_one_problem(scene: Callable[[], Snapshot], expected: dict[str, set[str]]) -> None:
    assert shape(scene()) == expected


def storm_while_redis_is_slow() -> Snapshot:
    asked, refused = steps((0, 1), (52, 60)), steps((0, 0), (52, 57))
    nodes = crowd(asked, refused, each=1, others=15, round_trip_ms=steps((0, 1), (52, 80)))
    return cluster(*nodes, seconds=64, policies=policies())


def storm_while_redis_is_down() -> Snapshot:
    asked, refused = steps((0, 1), (52, 60)), steps((0, 0), (52, 57))
    nodes = crowd(asked, refused, each=1, others=15, fallbacks=steps((0, 0), (52, 75)))
    return cluster(*nodes, seconds=64, policies=policies())


def storm_while_the_balancer_prefers_one_node() -> Snapshot:
    asked, refused = steps((0, 1), (50, 20)), steps((0, 0), (50, 19))
    nodes = [
        NodeScript(
            f"node-{n}",
            lambda second, rest=rest: rest(second) + asked(second),  # type: ignore[misc]  # a default binds it
            refused=refused,
            clients={"acme": asked},
            refused_clients={"acme": refused},
            phase=n / 4,
        )
        for n, rest in (
            (1, steps((0, 40), (50, 100))),
            (2, steps((0, 40), (50, 5))),
            (3, steps((0, 40), (50, 5))),
        )
    ]
    return cluster(*nodes, seconds=62, policies=policies())


def failing_service_and_one_clients_storm() -> Snapshot:
    asked, refused = steps((0, 1), (52, 30)), steps((0, 0), (52, 29))
    nodes = crowd(asked, refused, each=3, others=15, upstream_errors=steps((0, 0), (50, 10)))
    return cluster(*nodes, seconds=62, policies=policies())


def two_storms() -> Snapshot:
    asked, refused = steps((0, 1), (52, 12)), steps((0, 0), (52, 11))
    nodes = even(
        always(120),
        refused=lambda second: 2 * refused(second),
        clients={"acme": asked, "bird": asked},
        refused_clients={"acme": refused, "bird": refused},
    )
    return cluster(*nodes, seconds=62, policies=policies())


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        (storm_while_redis_is_slow, ["retry_storm", "store_slow"]),
        (storm_while_redis_is_down, ["retry_storm", "store_down"]),
        (storm_while_the_balancer_prefers_one_node, ["node_skew", "retry_storm"]),
        (failing_service_and_one_clients_storm, ["retry_storm", "upstream_degraded"]),
        (two_storms, ["retry_storm", "retry_storm"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_two_causes_at_once_are_two_problems(scene: Callable[[], Snapshot], expected: list[str]) -> None:
    problems = diagnose(scene(), THRESHOLDS).problems

    assert sorted(problem.finding.code for problem in problems) == expected


def test_a_redis_that_only_the_subject_cannot_reach_explains_nothing_at_a_node() -> None:
    found = [
        finding("store_down", CLUSTER, since=START, severity="warning"),
        finding("fallback_active", NODE, since=START + 1),
    ]

    assert explained(QUIET, found) == {}


def test_of_several_causes_the_nearest_in_time_is_taken() -> None:
    found = [
        finding("node_down", Target("node", "node-1"), since=START),
        finding("node_down", Target("node", "node-2"), since=START + 7),
        finding("node_skew", Target("node", "node-3"), since=START + 8),
    ]

    assert explained(QUIET, found)[2].place == 1
    assert explained(QUIET, found)[2].text.startswith("node-2 is down since")


def test_the_node_that_went_first_stands_for_all_that_went_with_it() -> None:
    silent = {"node-1": START + 7.5, "node-2": START + 4.0, "node-3": START + 8.5}
    found = [finding("node_down", Target("node", node_id), since=since) for node_id, since in silent.items()]

    assert {place: root(place, explained(QUIET, found)) for place in range(3)} == {0: 1, 1: 1, 2: 1}


def test_nodes_of_which_nobody_knows_when_they_went_did_not_go_together() -> None:
    found = [
        finding("node_down", Target("node", address), since=START) for address in ("10.0.0.1:1", "10.0.0.2:1")
    ]

    assert explained(QUIET, found) == {}


def test_chains_end_at_their_cause_and_circles_are_none() -> None:
    found: list[Finding] = [
        finding("upstream_degraded", CLUSTER, since=START + 10),
        finding("cardinality_attack", CLUSTER, since=START + 4),
        finding("spike_broad", CLUSTER, since=START + 10),
        finding("limit_breach", CLUSTER, since=START + 12),
    ]
    links = explained(QUIET, found)

    assert {root(place, links) for place in range(4) if place in links} <= {0, 1}
    assert len(links) < len(found)


def test_a_problem_is_as_severe_as_its_worst_finding() -> None:
    info, warning = finding("hot_key", CLIENT, severity="info"), finding("node_skew", NODE)

    assert Problem(info, (warning,), ()).severity == "warning"
    assert Problem(info, (), ()).severity == "info"
