import io

import pytest

from subject.cluster.snapshot import Snapshot
from subject.diagnosis.problems import diagnose
from subject.output.console import PrintableConsole
from subject.output.screen import drawn
from tests.unit.subject.builders import (
    AWAY,
    THRESHOLDS,
    NodeScript,
    always,
    cluster,
    even,
    snapshot,
    steps,
)

HEALTHY = cluster(*even(always(60)), seconds=70)
SKEWED = cluster(*[NodeScript(f"node-{n}", always(r)) for n, r in ((1, 10), (2, 80), (3, 10))], seconds=70)
MANY = cluster(*even(always(3000), nodes=30), seconds=20)
BLIND = snapshot(NodeScript(requests=always(60)).records(30), redis=AWAY, asked=["node-1"])
TROUBLED = cluster(
    *even(
        always(300),
        refused=always(70),
        clients={f"k_{n:016x}": always(12) for n in range(5)},
        refused_clients={f"k_{n:016x}": always(11) for n in range(5)},
    ),
    seconds=70,
)


def screen(found: Snapshot, width: int = 80, height: int = 24) -> list[str]:
    """The lines of a terminal of that size, without colour."""
    out = io.StringIO()
    console = PrintableConsole(file=out, width=width, height=height, color_system=None)
    console.print(drawn(console, found, diagnose(found, THRESHOLDS)))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("size", [(40, 10), (60, 15), (80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize(
    "found",
    [HEALTHY, SKEWED, MANY, BLIND, TROUBLED, snapshot([])],
    ids=["healthy", "skewed", "many", "blind", "troubled", "empty"],
)
def test_whatever_is_seen_fits_on_the_screen(found: Snapshot, size: tuple[int, int]) -> None:
    lines = screen(found, *size)

    assert len(lines) <= size[1]
    assert max(map(len, lines)) <= size[0]


def test_what_is_wrong_stands_at_the_top_with_what_to_do() -> None:
    lines = screen(SKEWED)

    assert "3 Up" in lines[0]
    assert lines[2].startswith("node_skew  node-2 serves 80 % of the requests")
    text = " ".join(" ".join(lines).split())
    assert "Likely: " in text
    assert "→ curl -s http://127.0.0.1:1001/readyz" in text


def test_each_node_has_a_line_on_one_scale() -> None:
    rows = [line for line in screen(SKEWED, width=100) if line.startswith("node-")]

    assert [row.split()[0] for row in rows] == ["node-1", "node-2", "node-3"]
    assert "████" in rows[1]
    assert "▂▂▂▂" in rows[0]
    assert "10.0" in rows[0]
    assert "80.0" in rows[1]


def test_a_line_shows_when_a_node_fell_silent() -> None:
    silent = [*NodeScript("node-1", always(9)).records(70), *NodeScript("node-2", always(9)).records(60)]

    rows = [line for line in screen(snapshot(silent)) if line.startswith("node-")]

    assert "███ " in rows[1]
    assert "Down" in rows[1]
    assert rows[1].rstrip().endswith("–")


def test_a_fall_shows_in_the_line() -> None:
    fallen = cluster(*even(steps((0, 90), (65, 9))), seconds=70)

    (row, *_) = [line for line in screen(fallen) if line.startswith("node-")]

    assert "█▂▂▂▂" in row


def test_nodes_that_do_not_fit_are_counted() -> None:
    lines = screen(MANY, height=20)

    rows = [line for line in lines if line.startswith("node-")]
    assert lines[-1].startswith(f"and {30 - len(rows)} more: subject nodes")


def test_problems_that_do_not_fit_are_counted() -> None:
    lines = screen(TROUBLED, width=60, height=16)

    assert any("more: subject diagnose" in line for line in lines)
    assert len([line for line in lines if line.startswith("node-")]) == 3


def test_a_narrow_terminal_has_less_of_each_node() -> None:
    (header,) = [line for line in screen(HEALTHY, width=50) if line.startswith("node ")]

    assert header.split()[-2:] == ["req/s", "refused"]


def test_a_healthy_cluster_is_said_to_be_and_a_blind_subject_never_says_so() -> None:
    assert "Healthy: nothing was found." in screen(HEALTHY)
    assert not any("Healthy" in line for line in screen(BLIND))
    assert any("observer_blind" in line for line in screen(BLIND))
