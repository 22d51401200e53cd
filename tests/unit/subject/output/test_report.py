import io
import re
from dataclasses import replace

import pytest

from gateway.contract.records import AuditRecord, Totals
from subject.cluster.live_changes import Audit
from subject.cluster.snapshot import Snapshot
from subject.diagnosis.problems import diagnose
from subject.output import documents
from subject.output.audit_report import AuditReport
from subject.output.console import PLAIN_WIDTH, PrintableConsole
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
from tests.unit.subject.output.shown import EVERYTHING, HEALTHY, shown

SKEWED = cluster(*[NodeScript(f"node-{n}", always(r)) for n, r in ((1, 10), (2, 80), (3, 10))], seconds=30)

BLIND = snapshot(NodeScript(requests=always(60)).records(30), redis=AWAY, asked=["node-1"])


@pytest.mark.parametrize("command", ["status", "nodes", "top", "limits", "diagnosis"])
@pytest.mark.parametrize(
    "found", [HEALTHY, SKEWED, snapshot([]), BLIND], ids=["healthy", "skewed", "empty", "blind"]
)
def test_everything_fits_into_eighty_columns(command: str, found: Snapshot) -> None:
    assert max(len(line) for line in shown(command, found).splitlines()) <= 80


@pytest.mark.parametrize("width", [40, 60, 76])
def test_a_narrow_terminal_has_fewer_columns_and_whole_names(width: int) -> None:
    nodes, top = shown("nodes", HEALTHY, width).splitlines(), shown("top", HEALTHY, width).splitlines()

    for lines, names in ((nodes, ["node-1", "node-2", "node-3"]), (top, ["acme"])):
        header = next(place for place, line in enumerate(lines) if line.split()[:1] in (["node"], ["client"]))
        rows = lines[header + 1 : header + 1 + len(names)]
        assert [row.split()[0] for row in rows] == names
        assert max(len(line.rstrip()) for line in lines) <= width
    assert "No room for: address" in " ".join(nodes)


@pytest.mark.parametrize("width", [50, 60, 80])
def test_a_long_reason_breaks_no_name(width: int) -> None:
    why = "the launch of the new product line, as agreed upon with sales on Friday"
    client = "k_0123456789abcdef"
    made = AuditRecord(START - 60.0, "ana", "set", client, "100000/m", "10/s,500/m", why, START + 7200.0)
    out = io.StringIO()
    console = PrintableConsole(file=out, width=width, color_system=None)

    AuditReport(console, plain=False).audit(Audit(float(START), (made,), 0))

    assert client in out.getvalue()
    assert "launch" in out.getvalue()
    assert max(len(line.rstrip()) for line in out.getvalue().splitlines()) <= width


def test_a_wide_terminal_has_all_columns() -> None:
    assert "No room" not in shown("nodes", HEALTHY) + shown("top", HEALTHY)


def test_a_healthy_cluster_is_said_to_be() -> None:
    assert "Healthy: nothing was found." in shown("diagnosis", HEALTHY)
    assert "3 Up" in shown("status", HEALTHY)


def test_what_policies_in_shadow_would_refuse_is_told_where_there_is_any() -> None:
    shadowed = cluster(*even(always(60), in_shadow=always(5)), seconds=30)

    assert "25 % more by policies in shadow" in " ".join(shown("status", shadowed).split())
    assert "policies in shadow would have refused 450" in " ".join(shown("status", shadowed).split())
    (header,) = [line for line in shown("nodes", shadowed, 100).splitlines() if line.startswith("node ")]
    assert header.split()[3:6] == ["req/s", "refused", "shadow"]
    assert "shadow" not in shown("status", HEALTHY) + shown("nodes", HEALTHY)
    assert [node["shadow_refused"] for node in documents.nodes(shadowed)["nodes"]] == [150] * 3
    status = documents.status(shadowed, diagnose(shadowed, THRESHOLDS))
    assert (status["shadow_ratio"], status["shadow_refused"]) == (0.25, 450)


@pytest.mark.parametrize("command", ["nodes", "top", "limits"])
@pytest.mark.parametrize("found", [HEALTHY, SKEWED, EVERYTHING], ids=["healthy", "skewed", "everything"])
def test_a_table_without_a_terminal_is_what_one_in_a_wide_terminal_is(command: str, found: Snapshot) -> None:
    wide = [line.rstrip() for line in shown(command, found, PLAIN_WIDTH).splitlines()]

    assert shown(command, found, PLAIN_WIDTH, plain=True).splitlines() == wide


def test_a_plain_table_shows_foreign_texts_as_a_drawn_one_does() -> None:
    names = ["界界", "a\x1b[31m\nb", "", "e\u0301"]
    found = cluster(*even(always(60)), seconds=30, policies=policies(clients=dict.fromkeys(names, "9/s")))
    wide = [line.rstrip() for line in shown("limits", found, PLAIN_WIDTH, names).splitlines()]

    assert shown("limits", found, PLAIN_WIDTH, names, plain=True).splitlines() == wide


def test_a_node_that_is_down_stands_out_and_shows_no_old_numbers() -> None:
    text = shown("nodes", snapshot([record("node-1", START + 90), record("node-2", START)], START + 90))

    (line,) = [line for line in text.splitlines() if line.startswith("node-2")]
    assert line.split()[2:] == ["Down", *["–"] * 8, "90", "s"]
    assert "Found: node_down node-2. More: subject diagnose" in text


@pytest.mark.parametrize("found", [BLIND, snapshot([], redis=AWAY)], ids=["nodes known", "none known"])
def test_what_cannot_be_seen_is_not_told(found: Snapshot) -> None:
    status, nodes, top = shown("status", found), shown("nodes", found), shown("top", found)

    assert re.search(r"^Requests +– *$", status, re.MULTILINE)
    assert re.search(r"^Latency +– *$", status, re.MULTILINE)
    assert "0 %" not in status + nodes + top
    assert "No node can be seen" in top
    document = documents.status(found, diagnose(found, THRESHOLDS))
    assert (document["rate"], document["rejection_ratio"], document["latency_p99_ms"]) == (None, None, None)
    assert (document["totals"] is None) is (not found.nodes)
    assert documents.top(found)["clients"] is None
    assert [node["rate"] for node in documents.nodes(found)["nodes"]] == [None] * len(found.nodes)


@pytest.mark.parametrize(("number", "expected"), [(1, "the only one has"), (4, "all 4 have")])
@pytest.mark.parametrize("command", ["status", "diagnosis"])
def test_a_cluster_that_was_stopped_in_order_is_not_called_healthy(
    command: str, number: int, expected: str
) -> None:
    found = snapshot([record(f"node-{n}", leaving=True) for n in range(1, number + 1)])

    text = shown(command, found)

    assert f"No node is up: {expected} left in order." in text
    assert "Healthy" not in text


def test_failed_requests_are_told() -> None:
    earlier = record(boot=Totals(requests=0), sequence=2)
    later = record(at=START + 1, boot=Totals(requests=100, admitted=90, failed=30), sequence=3)
    found = snapshot([earlier, later])

    assert "30 % failed, 0 clients seen" in shown("status", found)
    assert "30 %" in shown("nodes", found)
    assert documents.nodes(found)["nodes"][0]["failure_ratio"] == 0.3


def test_one_client_is_one() -> None:
    found = snapshot([record(clients=("0" * 12,))])

    assert "1 client seen" in " ".join(shown("status", found).split())


def test_a_finding_is_told_with_its_evidence_and_the_next_step() -> None:
    text = " ".join(shown("diagnosis", SKEWED, width=400).split())

    assert re.search("warning node_skew [0-9]+ % sure that it is so", text)
    assert "node-2 serves 80 % of the requests (80 of 100 a second; an even share is 33) since" in text
    assert "Likely: the load balancer sends to one node only." in text
    assert re.search("Why that cause is [0-9]+ % likely; for it: ", text)
    assert "Do curl -s http://127.0.0.1:1001/readyz" in text
    assert "Look at subject nodes" in text


FOREIGN = "\x1b]0;title\x07\x1b[2J\n\x9bHealthy"


@pytest.mark.parametrize("command", ["status", "nodes", "top", "limits", "diagnosis"])
def test_nothing_that_stands_in_redis_draws_anything(command: str) -> None:
    listed = replace(
        snapshot([record(FOREIGN, START), record("node-1", START + 90)], START + 90),
        unreadable=(FOREIGN,),
        unanswered=(FOREIGN,),
        policies=policies(clients={FOREIGN: "9/s"}, overrides={"acme": "9/s"}),
    )

    text = shown(command, listed, width=1000)

    assert not {one for one in text if not one.isprintable()} - {"\n"}
    assert not [line for line in text.splitlines() if line.startswith("Healthy")]
    assert r"\x1b]0;title\x07\x1b[2J\n\x9bHealthy" in text or command == "top"
