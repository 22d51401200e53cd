"""Why a node is away, comes and goes, or differs from the others."""

from dataclasses import replace

import pytest

from gateway.contract.records import Reloads, StoreStatus
from tests.unit.subject.builders import AWAY, START, NodeScript, always, cluster, even, record, snapshot
from tests.unit.subject.causes.told import causes
from tests.unit.subject.scenes import SCENES, lives, together


def test_nodes_that_go_silent_together_share_a_host_or_a_network() -> None:
    nodes = even(always(60), nodes=4)
    one = snapshot(together(*(node.records(60) for node in nodes[:3]), nodes[3].records(50)))
    three = snapshot(together(nodes[0].records(60), *(node.records(50) for node in nodes[1:])))

    assert "its process ended" in causes("node_down", one)[0].text
    assert "3 other nodes go on" in causes("node_down", one)[0].speaks_for
    assert "their host, or the network" in causes("node_down", three)[0].text
    assert any("3 nodes went silent within 5 s" in told for told in causes("node_down", three)[0].speaks_for)


def test_a_node_flaps_since_it_ends_or_since_it_is_not_heard() -> None:
    steady = NodeScript("node-1", always(20), phase=0.3).records(100)
    silent = {*range(50, 55), *range(65, 70), *range(80, 85)}
    unheard = NodeScript("node-2", always(20)).records(100, lost=silent)

    assert "ends soon after its start" in causes("node_flapping", SCENES["node_flapping"]())[0].text
    assert "its way to Redis" in causes("node_flapping", snapshot([*steady, *unheard]))[0].text


def test_a_conflict_of_a_moment_is_a_replacement_and_a_lasting_one_a_copied_name() -> None:
    steady = NodeScript("node-1", always(20), phase=0.3).records(115)
    lasting = snapshot([*steady, *lives("node-2", (0, 115), (20, 115))])

    assert "was replaced" in causes("node_id_conflict", SCENES["node_id_conflict"]())[0].text
    assert "was copied" in causes("node_id_conflict", lasting)[0].text


def test_a_reload_that_failed_is_the_cause_of_a_drift() -> None:
    nodes = [
        record(
            f"node-{n}",
            START + 60,
            reloads=Reloads(1, failed=int(n == 2), problem="no such plan" if n == 2 else ""),
        )
        for n in (1, 2, 3)
    ]
    first = causes("config_drift", snapshot(nodes, digests={"node-2": "1" * 16}))[0]

    assert first.text == "node-2 could not read its files anew"
    assert first.speaks_for == ("no such plan",)


@pytest.mark.parametrize(("step", "text"), [(-4.5, "was set by hand"), (-0.2, "nothing sets the clock")])
def test_a_clock_was_set_or_drifts_by_its_largest_step(step: float, text: str) -> None:
    records = together(*(node.records(60) for node in even(always(60))))
    skewed = (
        replace(one, clock_skew_seconds=max(-4.5, step * max(0.0, one.at - START - 30)))
        if one.node_id == "node-2"
        else one
        for one in records
    )

    assert text in causes("clock_skew", snapshot(skewed))[0].text


def test_a_skew_is_the_load_balancers_or_one_clients() -> None:
    alone = [
        NodeScript(f"node-{n}", rate, phase=n / 4)
        for n, rate in ((1, always(2)), (2, always(90)), (3, always(2)))
    ]
    client = [
        NodeScript("node-1", always(20)),
        NodeScript("node-2", always(80), clients={"acme": always(45), "other": always(30)}),
        NodeScript("node-3", always(20)),
    ]

    assert "one node only" in causes("node_skew", cluster(*alone, seconds=30))[0].text
    assert "long-lived connections" in causes("node_skew", cluster(*client, seconds=30))[0].text


def test_a_node_is_known_to_be_there_by_its_address_alone() -> None:
    answering = [record("node-1", START + 61, store=StoreStatus(False), sequence=99)]
    seen = snapshot([], START + 61, answering=answering, redis=AWAY)
    found = replace(seen, unanswered=("10.0.0.9:9080",))

    assert "that node ended" in causes("node_down", found)[0].text


def test_clocks_that_agree_with_each_other_are_not_what_is_wrong() -> None:
    records = together(*(node.records(60) for node in even(always(60))))
    skewed = snapshot(replace(one, clock_skew_seconds=30.0) for one in records)

    assert "Redis' host" in causes("clock_skew", skewed)[0].text
