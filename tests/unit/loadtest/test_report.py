"""What a reader sees at the end."""

from io import StringIO
from pathlib import Path
from random import Random

from rich.console import Console

from gateway.contract.limits import Limit
from loadtest import report, scenarios
from loadtest.scenarios import Scenario, Sign
from loadtest.subject_commands import About, Finding
from loadtest.verdict import Busiest, Outcome, Verdict

ROOT = Path(__file__).parents[3]
SKEW = Sign("node_skew", "node", "node-2")
FOUND = Finding(
    code="node_skew",
    subject=About("node", "node-2"),
    severity="warning",
    summary="node-2 serves 80 % of the requests",
    likely_cause="the load balancer",
    suggested_action="subject nodes",
)
SCENARIO = Scenario("skew", "80 % of the requests go to node-2", (), (SKEW,))
KEPT = Busiest("digest", 297, Limit(300, 10))


def printed(verdict: Verdict, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width)
    report.print_verdict(console, verdict, seed=7, seconds=95.2)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_truth_and_diagnosis_stand_side_by_side() -> None:
    text = printed(Verdict((Outcome(SCENARIO, ((SKEW, FOUND),), (), (), ()),), KEPT, counted=9_812))
    (line,) = [line for line in text.splitlines() if "skew" in line and "node_skew" in line]
    assert line.index("skew") < line.index("node_skew")
    assert "subject nodes" in text
    assert "297" in text
    assert "9,812" in text
    assert text.splitlines()[-1] == "PASS in 95 s (seed 7)"


def test_what_nobody_could_tell_is_said_and_is_no_pass() -> None:
    outcome = Outcome(SCENARIO, (), (), (), (), unjudged=("node_skew (node-2) was not found",))
    text = printed(Verdict((outcome,), KEPT, open_questions=("broken off",)), width=120)
    assert "│ ? skew" in text
    assert text.splitlines()[-3:] == [
        "? skew: node_skew (node-2) was not found",
        "? broken off",
        "NOT JUDGED in 95 s (seed 7)",
    ]


def test_how_long_it_took_is_said_where_that_is_asked_for() -> None:
    outcome = Outcome(SCENARIO, ((SKEW, FOUND),), (), (), (), found_seconds=(3.25,), clear_seconds=8.0)
    console = Console(file=StringIO(), width=80)
    report.print_verdict(console, Verdict((outcome,), KEPT), seed=7, seconds=95.2, with_times=True)
    assert isinstance(console.file, StringIO)
    (line,) = [line for line in console.file.getvalue().splitlines() if line.startswith("skew")]
    assert line.split() == ["skew", "node_skew", "(node-2)", "3.2", "s", "8.0", "s"]


def test_the_usual_and_the_worst_time_of_all_are_said() -> None:
    outcomes = tuple(
        Outcome(SCENARIO, ((SKEW, FOUND),), (), (), (), found_seconds=(found,), clear_seconds=clear)
        for found, clear in ((3.0, 8.0), (4.0, None), (9.0, 6.0))
    )
    console = Console(file=StringIO(), width=120)
    report.print_verdict(console, Verdict(outcomes, KEPT), seed=7, seconds=95.2, with_times=True)
    assert isinstance(console.file, StringIO)
    assert (
        "3 found, after 4.0 s in the median and 9.0 s at the latest, clear after 8.0 s at the latest"
        in console.file.getvalue()
    )


def test_what_failed_is_said_and_how_to_repeat_it() -> None:
    text = printed(Verdict((Outcome(SCENARIO, (), (SKEW,), (), ()),), KEPT, problems=("node-1 ended",)))
    assert "skew: node_skew (node-2) was not found" in text
    assert "✗ node-1 ended" in text
    assert text.splitlines()[-1] == "FAIL in 95 s (seed 7)"


def test_nothing_is_wider_than_the_terminal() -> None:
    verdict = Verdict((Outcome(SCENARIO, ((SKEW, FOUND),), (), (FOUND,), ()),), KEPT)
    for width in (60, 80, 120):
        assert max(len(line) for line in printed(verdict, width).splitlines()) <= width


def opening(seed: int, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width)
    report.print_opening(console, scenarios.draw_setting(Random(seed)), seed)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_opening_says_what_runs_and_from_which_seed() -> None:
    text = opening(seed=7)
    assert "3 gateway nodes" in text
    assert "seed 7" in " ".join(text.split())


def test_the_readme_shows_what_the_demo_prints_at_its_start() -> None:
    _, _, shown = (ROOT / "README.md").read_text().partition("<!-- demo:begin -->\n```\n")
    assert "COLUMNS=110 $(PYTHON) -m loadtest demo --seed 17 " in (ROOT / "Makefile").read_text()
    expected = [line.rstrip() for line in opening(seed=17, width=110).splitlines()]
    assert shown.splitlines()[: len(expected)] == expected, "run make readme"
