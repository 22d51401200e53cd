import json
from dataclasses import replace
from typing import Any

from gateway.contract.records import AuditRecord
from subject.causes.cause import Cause
from subject.cluster.snapshot import Snapshot
from subject.dashboard.page import CLIENTS, LIMITS, page
from subject.diagnosis.problems import Diagnosis, Problem, diagnose
from subject.finding import Target
from tests.unit.subject.builders import (
    AWAY,
    START,
    THRESHOLDS,
    NodeScript,
    always,
    cluster,
    even,
    policies,
    record,
    snapshot,
)
from tests.unit.subject.findings import finding

CAUSE = Cause("it retries", 0.72, ("one",), ("two",))
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\n\u202egnp.exe"


def shown(seen: Snapshot, audit: tuple[AuditRecord, ...] = ()) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        json.dumps(page(seen, diagnose(seen, THRESHOLDS), audit), allow_nan=False)
    )
    return document


def test_a_healthy_cluster_is_said_to_be_healthy() -> None:
    seen = shown(cluster(*even(always(60)), seconds=60, policies=policies()))

    assert seen["healthy"]
    assert seen["headline"] == "Healthy: nothing was found."
    assert [node["id"] for node in seen["nodes"]] == ["node-1", "node-2", "node-3"]
    assert dict(seen["status"])["Nodes"] == "3 Up"


def test_a_cluster_that_was_stopped_is_not() -> None:
    seen = shown(snapshot([record(leaving=True)]))

    assert seen["headline"] == "No node is up: the only one has left in order."


def test_a_problem_is_told_with_its_evidence_its_symptoms_and_a_name_for_links() -> None:
    storm = finding("retry_storm", Target("client", "acme"))
    breach = finding("limit_breach", Target("client", "acme"))
    seen = page(cluster(*even(always(60)), seconds=60), Diagnosis((Problem(storm, (breach,), (CAUSE,)),)), ())

    (problem,) = seen["problems"]

    assert problem["name"] == "retry_storm/client/acme"
    assert problem["evidence"] == ["metric 2 unit (against 1)"]
    assert problem["causes"] == [{"text": "it retries", "why": "72 % likely; for it: one; against it: two"}]
    assert [symptom["name"] for symptom in problem["symptoms"]] == ["limit_breach/client/acme"]
    assert seen["headline"] == "One problem was found."


def test_blind_it_does_not_say_that_all_is_well() -> None:
    seen = shown(snapshot([], redis=AWAY))

    assert seen["blind"]
    assert not seen["healthy"]
    assert seen["clients"] is None
    assert not seen["limits_known"]


def test_foreign_texts_are_printable() -> None:
    node = NodeScript(f"node{HOSTILE}1", always(60))
    audit = AuditRecord(START, HOSTILE, "set", "acme", None, "5/s", HOSTILE)

    text = json.dumps(shown(cluster(node, seconds=60, policies=policies()), (audit,)), ensure_ascii=False)

    assert text.isprintable()
    assert "\\\\x1b[31m\\\\n\\\\u202egnp.exe" in text


def test_what_could_be_many_is_cut() -> None:
    clients = {f"k_{number:016x}": always(2) for number in range(20)}
    live = policies(overrides={f"client-{number:03}": "5/s" for number in range(LIMITS + 7)})

    seen = shown(cluster(*even(always(200), clients=clients), seconds=60, policies=live))

    assert len(seen["clients"]) <= CLIENTS
    assert len(seen["limits"]["limits"]) == LIMITS
    assert seen["limits"]["more"] == 7


def test_of_many_that_cannot_be_read_some_are_named() -> None:
    seen = replace(snapshot([record()]), unreadable=tuple(f"override {number}" for number in range(1020)))

    assert shown(seen)["unreadable"][-2:] == ["override 19", "and 1,000 more"]
