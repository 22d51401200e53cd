"""The simulated cluster in small, and what is measured on a real Redis: facts, and no times."""

from dataclasses import replace
from random import Random

import pytest

from gateway.contract.limits import Limit
from tests.simulation import at_limit, ceiling, fleet, load, memory, upkeep
from tests.simulation.cluster import Cluster, Plan
from tests.simulation.course import By, Course
from tests.simulation.crowd import Crowd, name
from tests.simulation.network import CALM, Ways
from tests.simulation.server import Costs

pytestmark = pytest.mark.no_cover  # it reckons; what it drives has tests of its own

VERY_SLOW = Costs(125.0, 25.0, 3.5)
"""A Redis of four thousand decisions a second."""
FEW = replace(load.plan(load.A_SECOND, VERY_SLOW, seconds=1.0, nodes=20), upkeep_us=0.0)


@pytest.mark.parametrize("ways", at_limit.WAYS)
@pytest.mark.parametrize("factor", [1.0, 10.0])
def test_no_window_is_too_full_however_late_answers_are(ways: str, factor: float) -> None:
    got = at_limit.measure(Limit(40, 1), 20, factor, ways, windows=3)

    assert got.fullest <= 40
    assert got.alone or got.fullest_in_all == got.fullest


def test_a_client_at_its_limit_gets_nearly_all_of_it_from_very_many_nodes() -> None:
    got = at_limit.measure(Limit(40, 1), 50, 4.0, "calm", windows=3)

    assert not got.alone
    assert got.of_the_possible > 0.97


def test_near_the_ceiling_redis_decides_and_beyond_it_nodes_do_and_nobody_waits_past_the_deadline() -> None:
    bears = load.capacity(FEW)
    for ratio, alone in ((0.8, False), (1.4, True)):
        cluster = Cluster(replace(FEW, requests=ratio * bears.requests))
        course = cluster.run()

        assert (course.decided[By.NODE] > 0) == alone
        assert course.fullest(1) <= load.A_SECOND.quota
        assert course.took_ms(1.0) <= 1000 * FEW.deadline_seconds + 1


def test_the_subject_finds_what_is_wrong_in_a_simulated_cluster_and_nothing_else() -> None:
    plan = Plan(60.0, Limit(5, 1), 0.0, nodes=8, warm_seconds=0.0)

    struck = fleet.incidents(plan, first=20, apart=35, lasting=6)
    looks = fleet.measure(plan, struck)

    assert looks.false_alarms == []
    for one in struck:
        assert looks.seen[one.name].after.keys() == one.expected, one.name


def test_a_seed_is_the_same_course_each_time() -> None:
    plan = replace(FEW, requests=500.0, seconds=0.5)

    first, second = Cluster(plan).run(), Cluster(plan).run()

    assert (first.decided, first.took) == (second.decided, second.took)


def test_what_a_node_takes_of_redis_beside_decisions_is_taken_from_them() -> None:
    plan = replace(FEW, requests=1.0)
    idle, kept_up = [load.capacity(replace(plan, upkeep_us=upkeep)) for upkeep in (0.0, 10_000.0)]

    assert kept_up.idle_us == pytest.approx(idle.idle_us + 20 * 10_000.0, rel=0.1)
    assert kept_up.requests < 0.85 * idle.requests


def test_the_fullest_window_is_that_of_any_alignment() -> None:
    course = Course(0)
    for at in (0, 999_999, 1_000_000, 1_999_998):
        course.note("acme", 0, at, By.STORE, at)
    course.note("acme", 0, 1_500_000, By.NODE, 1_500_000)

    assert course.fullest(1) == 3
    assert course.fullest(1, with_alone=True) == 4


def test_of_a_crowd_the_first_ask_most_often_and_all_may_ask() -> None:
    random, crowd = Random(7), Crowd(10_000_000)
    drawn = [crowd.drawn(random) for _ in range(20_000)]

    assert drawn.count(name(0)) > 50
    assert len(set(drawn)) > 10_000
    assert max(drawn) <= name(len(crowd) - 1)


def test_ways_are_as_long_as_they_were_found_to_be() -> None:
    ways = Ways(CALM)

    assert (ways.drawn(0.0), ways.drawn(0.5)) == (CALM[0], CALM[4])
    assert ways.drawn(0.9999) <= CALM[-1]


def test_a_pipeline_has_three_commands_a_decision_and_the_time_twice() -> None:
    borne = ceiling.measure(ceiling.Load(at_once=4), rounds=1, seconds=0.1)

    assert borne.commands / borne.decisions == pytest.approx(3.5, rel=0.02)


async def test_what_a_node_asks_of_redis_in_a_second_grows_with_the_nodes() -> None:
    alone, among_many = [await upkeep.measure(nodes, rounds=1) for nodes in (1, 20)]

    assert among_many.commands < 15
    assert among_many.bytes_out > 5 * alone.bytes_out
    assert among_many.telemetry_seconds > 120


async def test_a_client_takes_no_more_of_redis_than_the_page_reckons_with() -> None:
    seldom, always = [await memory.measure(fields, sample=4000) for fields in (1, 62)]

    assert seldom.bytes <= 200
    assert always.bytes <= 800
