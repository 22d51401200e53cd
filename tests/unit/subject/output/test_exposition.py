"""The text is read by Prometheus' own parser for Python."""

import re
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.contract.records import Totals
from subject.cluster import metrics
from subject.cluster.snapshot import Snapshot, take
from subject.codes import CODES
from subject.diagnosis.problems import diagnose
from subject.output.exposition import exposition
from tests.unit.subject.builders import (
    AWAY,
    THRESHOLDS,
    NodeScript,
    always,
    cluster,
    even,
    record,
    snapshot,
    view,
)

CALM = cluster(*even(always(60)), seconds=60)
REFUSING = cluster(*even(always(60), refused=always(4)), seconds=60)
SKEWED = cluster(*[NodeScript(f"node-{n}", always(r)) for n, r in ((1, 10), (2, 80), (3, 10))], seconds=60)
BLIND = snapshot(NodeScript(requests=always(60)).records(30), redis=AWAY, asked=["node-1"])

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def text_of(found: Snapshot) -> str:
    return exposition(found, diagnose(found, THRESHOLDS))


def values(found: Snapshot) -> Values:
    """All samples, by name and labels; none of them twice."""
    samples = [
        sample for family in text_string_to_metric_families(text_of(found)) for sample in family.samples
    ]
    read = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}
    assert len(read) == len(samples)
    return read


def test_each_family_says_its_type_and_what_it_means_once() -> None:
    for found in (REFUSING, SKEWED, BLIND):
        families = list(text_string_to_metric_families(text_of(found)))

        assert len({family.name for family in families}) == len(families)
        assert all(family.documentation.endswith(".") for family in families)
        assert {family.type for family in families} <= {"gauge", "counter"}
        for family in families:
            names = {sample.name for sample in family.samples}
            assert names == {family.name + ("_total" if family.type == "counter" else "")}


def test_the_numbers_are_those_that_commands_show() -> None:
    read, now = values(REFUSING), metrics.of_cluster(REFUSING)
    node = metrics.of_node(REFUSING, REFUSING.nodes[1])
    assert now.latency_p99_ms is not None

    assert read["subject_sees", ()] == 1
    assert read["subject_requests_per_second", ()] == now.rate
    assert read["subject_rejection_ratio", ()] == now.rejection_ratio
    assert read["subject_latency_seconds", (("percentile", "99"),)] == now.latency_p99_ms / 1000
    assert read["subject_node_requests_per_second", (("node", "node-2"),)] == node.rate
    assert read["subject_node_requests_total", (("node", "node-2"), ("outcome", "refused"))] == 240
    assert read["subject_nodes", (("state", "Up"),)] == 3
    assert read["subject_redis_used_bytes", ()] == 2_000_000


def test_totals_go_on_over_boots() -> None:
    found = snapshot([record(boot=Totals(7, 5, 2), carried=Totals(100, 90, 10))])

    read = values(found)

    assert read["subject_node_requests_total", (("node", "node-1"), ("outcome", "admitted"))] == 95
    assert read["subject_node_requests_total", (("node", "node-1"), ("outcome", "refused"))] == 12


def test_each_code_is_there_also_where_nothing_was_found() -> None:
    calm = {
        labels[0][1]: value for (name, labels), value in values(CALM).items() if name == "subject_findings"
    }
    skewed = values(SKEWED)

    assert calm == dict.fromkeys(CODES, 0.0)
    assert skewed["subject_findings", (("code", "node_skew"),)] == 1
    assert skewed["subject_node_findings", (("code", "node_skew"), ("node", "node-2"))] == 1
    assert skewed["subject_problems", (("severity", "warning"),)] == 1
    assert skewed["subject_problems", (("severity", "critical"),)] == 0


def test_where_it_is_blind_nothing_is_said_to_be_well() -> None:
    read = values(BLIND)

    assert read["subject_sees", ()] == 0
    assert read["subject_redis_connected", ()] == 0
    assert {labels for name, labels in read if name == "subject_findings"} == {(("code", "observer_blind"),)}
    assert not [name for name, _ in read if name.startswith(("subject_node", "subject_requests"))]


def test_an_unreadable_node_is_down() -> None:
    found = take(replace(view([record()]), unread_nodes=("node-9",)), 2.5)

    read = values(found)

    assert read["subject_node_up", (("node", "node-9"),)] == 0
    assert read["subject_nodes", (("state", "Down"),)] == 1


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb 1\nc", "a\x1b[2Jb", "<b>", 'a",x="', "a\u2028b", "ü"])
def test_a_nodes_name_is_one_label_whatever_is_in_it(name: str) -> None:
    found = snapshot([record(name)])

    read = values(found)
    text = text_of(found)

    assert text.replace("\n", "").isprintable()
    (labels,) = {labels for family, labels in read if family == "subject_node_up"}
    ((label, value),) = labels
    assert label == "node"
    assert value.isprintable()
    assert re.sub(r"\\(n|x1b|u2028)", "", value) == re.sub("[\n\x1b\u2028]", "", name)


def test_no_label_holds_anything_of_a_clients() -> None:
    noisy = even(
        always(60),
        refused=always(40),
        clients={"acme": always(20)},
        refused_clients={"acme": always(20)},
    )
    found = cluster(*noisy, seconds=60)

    assert [one.subject.id for one in diagnose(found, THRESHOLDS).findings if one.subject.kind == "client"]
    assert "acme" not in text_of(found)
