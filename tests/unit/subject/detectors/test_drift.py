from dataclasses import replace

from gateway.contract.limits import parse_limits
from gateway.contract.records import Reloads
from subject.cluster.policies import Policies
from subject.detectors.drift import config_drift
from subject.finding import CLUSTER, Finding, Target
from tests.unit.subject.builders import SAME, START, THRESHOLDS, policies, record, snapshot

OTHER, THIRD = "1" * 16, "2" * 16


def found(
    digests: dict[str, str],
    at: float = START + 60,
    reloads: dict[str, float] | None = None,
    known: Policies | None = None,
) -> list[Finding]:
    """Of four nodes that started long ago, and of which some have read their files anew."""
    nodes = [
        record(f"node-{n}", at, reloads=Reloads(1, at=(reloads or {}).get(f"node-{n}"))) for n in (1, 2, 3, 4)
    ]
    return config_drift(snapshot(nodes, digests=digests, policies=known), THRESHOLDS)


def test_nodes_that_agree_are_well() -> None:
    assert found({}) == []


def test_the_one_that_is_behind_is_named_since_the_others_changed() -> None:
    changed = {f"node-{n}": START + 10.0 + n for n in (1, 2, 3)}

    (drift,) = found({f"node-{n}": OTHER for n in (1, 2, 3)}, reloads=changed)

    assert drift.subject == Target("node", "node-4")
    assert drift.since == START + 11
    assert "other limits than 3 of 4 nodes" in drift.summary


def test_the_time_that_a_change_takes_is_none() -> None:
    assert found({"node-2": OTHER}, reloads={"node-2": START + 58.0}) == []
    assert len(found({"node-2": OTHER}, reloads={"node-2": START + 55.0})) == 1


def test_another_node_that_starts_again_does_not_make_it_new() -> None:
    (drift,) = found({"node-2": OTHER}, reloads={"node-2": START + 10.0, "node-3": START + 58.0})

    assert drift.since == START + 10


def test_two_halves_are_the_clusters_and_what_was_first_is_usual() -> None:
    (drift,) = found(
        {"node-1": OTHER, "node-2": OTHER}, reloads={"node-1": START + 1.0, "node-2": START + 2.0}
    )

    assert drift.subject == CLUSTER
    assert drift.summary.startswith("node-1, node-2 enforce")


def test_three_tables_are_one_finding_of_the_cluster() -> None:
    (drift,) = found({"node-1": OTHER, "node-2": THIRD})

    assert (drift.subject, drift.evidence[0].now) == (CLUSTER, 3)


def test_what_differs_is_named() -> None:
    known = policies("100/m")
    assert known.table is not None
    tables = {SAME: known.table, OTHER: replace(known.table, default=parse_limits("50/m"))}

    (drift,) = found({"node-2": OTHER}, known=replace(known, tables=tables))

    assert drift.summary.endswith(": default 50/m instead of 100/m")
