import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.contract.records import StoreStatus, Totals
from subject.diagnosis.problems import diagnose
from subject.finding import SEVERITIES
from tests.unit.subject.builders import (
    AWAY,
    START,
    THRESHOLDS,
    NodeScript,
    always,
    cluster,
    even,
    record,
    snapshot,
    steps,
)


def test_a_healthy_cluster_has_no_findings() -> None:
    assert diagnose(cluster(*even(always(60)), seconds=60), THRESHOLDS).healthy


def test_the_most_severe_comes_first() -> None:
    nodes = even(always(60), fallbacks=steps((0, 0), (50, 20)))

    found = diagnose(cluster(*nodes, seconds=60), THRESHOLDS).findings

    assert [one.code for one in found] == ["store_down", "fallback_active"]
    assert [SEVERITIES.index(one.severity) for one in found] == [0, 1]


def test_a_store_that_is_down_explains_the_fallback() -> None:
    nodes = even(always(60), fallbacks=steps((0, 0), (50, 20)))

    fallback = diagnose(cluster(*nodes, seconds=60), THRESHOLDS).findings[-1]

    assert "store_down" in fallback.likely_cause


def test_a_dead_node_explains_the_skew_that_began_with_it() -> None:
    nodes = [
        NodeScript("node-1", steps((0, 20), (40, 55)), phase=0.1),
        NodeScript("node-2", always(20), phase=0.5),
        NodeScript("node-3", always(5), phase=0.7),
    ]
    dead = NodeScript("node-4", always(35)).records(40)
    records = [one for node in nodes for one in node.records(55)]

    found = diagnose(snapshot([*records, *dead]), THRESHOLDS).findings

    assert [one.code for one in found] == ["node_down", "node_skew"]
    assert found[1].likely_cause.startswith("node-4 is down since")


def test_a_dead_node_of_last_year_does_not_explain_a_skew_of_today() -> None:
    nodes = [
        NodeScript("node-1", always(80)),
        NodeScript("node-2", always(10)),
        NodeScript("node-3", always(10)),
    ]
    records = [one for node in nodes for one in node.records(30)]

    found = diagnose(snapshot([*records, record("node-4", START - 1e7)]), THRESHOLDS).findings

    assert "node-4" not in next(one for one in found if one.code == "node_skew").likely_cause


def test_a_clients_spike_explains_its_refusals() -> None:
    burst = steps((0, 1), (60, 80))
    nodes = even(
        steps((0, 60), (60, 300)), clients={"acme": burst}, refused_clients={"acme": steps((0, 0), (60, 50))}
    )

    found = diagnose(cluster(*nodes, seconds=70), THRESHOLDS).findings

    assert [one.code for one in found] == ["spike_single", "limit_breach"]
    assert "its own spike" in found[1].likely_cause


@pytest.mark.parametrize("redis_away", [False, True])
def test_every_finding_can_be_checked_and_acted_on(redis_away: bool) -> None:
    nodes = even(
        steps((0, 60), (60, 400)), fallbacks=steps((0, 0), (60, 40)), connected=steps((0, 1), (60, 0))
    )
    records = [one for node in nodes for one in node.records(70)]
    answering = [record(f"node-{n}", START + 75, store=StoreStatus(False), sequence=99) for n in (1, 2)]
    found = diagnose(
        snapshot(records, START + 75, answering=answering, asked=["node-3"], redis=AWAY)
        if redis_away
        else cluster(*nodes, seconds=70),
        THRESHOLDS,
    ).findings

    assert found
    for one in found:
        assert one.summary
        assert not one.summary.endswith(".")
        assert one.evidence
        assert 0 < one.confidence <= 1
        assert one.since <= one.at
        assert one.suggested_action.split()[0] in {"subject", "curl"}
        assert one.verify_with.startswith("subject ")


@given(st.integers(0, 2**32))
@example(2971)  # a count of decisions that falls by as many as were made without Redis
@settings(max_examples=40, deadline=None)
def test_no_series_makes_it_raise(seed: int) -> None:
    generator = random.Random(seed)
    records = [
        record(
            f"node-{generator.randint(1, 3)}",
            START + generator.uniform(-200, 200),
            boot_id=generator.choice("ab"),
            sequence=generator.randint(1, 5),
            started_at=generator.choice([0, 9e18, START + generator.uniform(-300, 300)]),
            leaving=generator.random() < 0.1,
            boot=Totals(*(generator.randint(0, 10_000) for _ in range(5))),
            store=StoreStatus(generator.random() < 0.5, generator.randint(0, 500), generator.randint(0, 500)),
        )
        for _ in range(generator.randint(0, 40))
    ]
    asked = [f"node-{n}" for n in (1, 2, 3) if generator.random() < 0.5]

    diagnose(
        snapshot(records, START, redis=generator.choice([AWAY, snapshot([]).redis]), asked=asked), THRESHOLDS
    )
