import io

import pytest
from rich.console import Console

from subject.diagnosis import diagnose
from subject.report import Report
from subject.snapshot import Snapshot
from tests.unit.subject.builders import (
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


def shown(command: str, found: Snapshot, width: int = 80) -> str:
    """What a command prints in a terminal of that width, without colour."""
    out = io.StringIO()
    report = Report(Console(file=out, width=width, color_system=None, highlight=False), plain=False)
    diagnosis = diagnose(found, THRESHOLDS)
    if command == "diagnosis":
        report.diagnosis(diagnosis)
    elif command == "limits":
        report.limits(found, diagnosis, ["acme"])
    else:
        getattr(report, command)(found, diagnosis)
    return out.getvalue()


HEALTHY = cluster(
    *even(always(60), clients={"acme": always(3)}), seconds=30, policies=policies(clients={"acme": "9/s"})
)
SKEWED = cluster(*[NodeScript(f"node-{n}", always(r)) for n, r in ((1, 10), (2, 80), (3, 10))], seconds=30)


@pytest.mark.parametrize("command", ["status", "nodes", "top", "limits", "diagnosis"])
@pytest.mark.parametrize("found", [HEALTHY, SKEWED, snapshot([])], ids=["healthy", "skewed", "empty"])
def test_everything_fits_into_eighty_columns(command: str, found: Snapshot) -> None:
    assert max(len(line) for line in shown(command, found).splitlines()) <= 80


def test_a_healthy_cluster_is_said_to_be() -> None:
    assert "Healthy: nothing was found." in shown("diagnosis", HEALTHY)
    assert "3 Up" in shown("status", HEALTHY)


def test_a_node_that_is_down_stands_out_and_shows_no_old_numbers() -> None:
    text = shown("nodes", snapshot([record("node-1", START + 90), record("node-2", START)], START + 90))

    (line,) = [line for line in text.splitlines() if line.startswith("node-2")]
    assert line.split()[2:] == ["Down", *["–"] * 7, "90", "s"]
    assert "Found: node_down node-2. More: subject diagnose" in text


def test_a_finding_is_told_with_its_evidence_and_the_next_step() -> None:
    text = " ".join(shown("diagnosis", SKEWED, width=400).split())

    assert "warning node_skew confidence 0." in text
    assert "node-2 serves 80 % of the requests (80 of 100 a second; an even share is 33) since" in text
    assert "Likely: the load balancer sends to one node only." in text
    assert "Do curl -s http://127.0.0.1:9081/readyz" in text
    assert "Look at subject nodes" in text


def test_limits_say_where_they_come_from() -> None:
    text = shown("limits", HEALTHY)

    assert "Default 100/m" in text
    assert "9/s (client)" in text
