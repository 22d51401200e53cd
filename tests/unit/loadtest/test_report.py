"""What a reader sees at the end."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console

from gateway.contract.limits import Limit
from loadtest import demo, report, stories
from loadtest.passages import Busiest
from loadtest.remedied import Done, Remedied
from loadtest.scenarios import Chance, Scenario, Sign
from loadtest.scenarios.remedy import (
    AsSuggested,
    NodeRatio,
    Outside,
    RefusedRatio,
    Remedy,
    SetLimit,
    UpstreamRate,
)
from loadtest.subject_commands import About, Finding
from loadtest.verdict import Outcome, Verdict

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


def printed(verdict: Verdict, width: int = 80, *, with_times: bool = False) -> str:
    file = StringIO()
    console = Console(file=file, width=width)
    report.print_verdict(console, verdict, seed=7, seconds=95.2, with_times=with_times)
    return file.getvalue()


def row(text: str, name: str) -> str:
    """What stands behind that word in the table, its lines put together."""
    cells = [line.rstrip("│ ").rpartition("│")[2].strip() for line in text.splitlines() if "│" in line]
    rows: dict[str, list[str]] = {}
    of = ""
    for cell in cells:
        head, is_head, words = cell.partition("  ")
        if is_head:
            of = head
        rows.setdefault(of, []).append(words if is_head else cell)
    return " ".join(" ".join(rows[name]).split())


def test_what_was_injected_and_diagnosed_and_is_suggested_stands_in_one_place() -> None:
    text = printed(Verdict((Outcome(SCENARIO, ((SKEW, FOUND),), (), (), ()),), KEPT, counted=9_812))
    assert "✓ skew" in text
    assert row(text, "injected") == "80 % of the requests go to node-2"
    assert row(text, "diagnosed") == (
        "node_skew: node-2 serves 80 % of the requests. Likely: the load balancer."
    )
    assert row(text, "suggested") == "subject nodes"
    assert "297 of 300 in 10 s" in " ".join(text.split())
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


def done(remedy: Remedy, *, after: float, command: str = "", undo: str | None = None) -> Outcome:
    """An outcome that somebody did something about, from 0.8 on."""
    remedied = Remedied(remedy, Done(command, 100.0, undo), 0.8, after, closed_seconds=9.0)
    scenario = replace(SCENARIO, remedy=remedy)
    return Outcome(scenario, ((SKEW, FOUND),), (), (), (), remedied=remedied)


RAISED = Remedy(
    SetLimit(
        "client-07", Limit(200, 5), "launch day", "10m", because="that only looks; client-07 may have more"
    ),
    RefusedRatio("client-07"),
    0.0,
)
AS_SUGGESTED = Remedy(AsSuggested(because="client-07 keeps what it usually needs"), UpstreamRate(), 0.5)
EVENED = Remedy(Outside("the balancer is told so"), NodeRatio("node-2"), 0.5)


def test_what_was_done_and_that_it_helped_stands_below_it_and_how_it_was_taken_back() -> None:
    outcome = done(RAISED, after=0.0, command="subject limits set …", undo="subject limits unset client-07")
    text = printed(Verdict((outcome,), KEPT))
    assert row(text, "suggested") == "subject nodes"
    assert (
        row(text, "done")
        == "subject limits set … (the operator's own choice: that only looks; client-07 may have more)"
    )
    assert row(text, "helped") == (
        "80 % of client-07's requests were refused, now 0 %, while the cause goes on "
        "(by subject why client-07); no longer found after 9 s"
    )
    assert row(text, "undone") == "subject limits unset client-07"
    assert text.splitlines()[-1].startswith("PASS")


def test_where_that_was_done_which_the_subject_suggests_it_is_said_once_and_why() -> None:
    text = printed(Verdict((done(AS_SUGGESTED, after=0.0, command="subject nodes"),), KEPT))
    assert row(text, "suggested") == "subject nodes"
    assert row(text, "done") == "what was suggested: client-07 keeps what it usually needs"


def test_what_was_not_done_by_the_product_is_said_to_be_outside() -> None:
    text = printed(Verdict((done(EVENED, after=0.34, command="the balancer is told so"),), KEPT))
    assert row(text, "done") == "outside the product: the balancer is told so"


def test_what_did_not_help_fails_the_run() -> None:
    text = printed(Verdict((done(EVENED, after=0.7, command="the balancer is told so"),), KEPT))
    assert "✗ skew" in text
    assert row(text, "helped").startswith("✗ no: node-2 had 80 % of the requests, now 70 %")
    assert "✗ skew: the balancer is told so did not help: node-2 had" in " ".join(text.split())
    assert text.splitlines()[-1].startswith("FAIL")


def test_how_long_it_took_is_said_where_that_is_asked_for() -> None:
    outcome = Outcome(SCENARIO, ((SKEW, FOUND),), (), (), (), found_seconds=(3.25,), clear_seconds=8.0)
    text = printed(Verdict((outcome,), KEPT), with_times=True)
    (line,) = [line for line in text.splitlines() if line.startswith("skew")]
    assert line.split() == ["skew", "node_skew", "(node-2)", "3.2", "s", "8.0", "s"]


def test_the_usual_and_the_worst_time_of_all_are_said() -> None:
    outcomes = tuple(
        Outcome(SCENARIO, ((SKEW, FOUND),), (), (), (), found_seconds=(found,), clear_seconds=clear)
        for found, clear in ((3.0, 8.0), (4.0, None), (9.0, 6.0))
    )
    text = printed(Verdict(outcomes, KEPT), width=120, with_times=True)
    assert (
        "3 found, after 4.0 s in the median and 9.0 s at the latest, clear after 8.0 s at the latest" in text
    )


def test_of_a_limit_that_did_not_hold_nobody_says_that_it_did() -> None:
    text = printed(Verdict((), Busiest("k", 301, Limit(300, 10))))
    assert "limits:" not in text
    assert "✗ a client got 301 requests through in 10 s: 300/10s" in text


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
    file = StringIO()
    console = Console(file=file, width=width)
    report.print_opening(console, stories.draw_setting(Chance(seed)), seed, demo.TOLD)
    return file.getvalue()


def test_the_opening_says_what_runs_and_from_which_seed() -> None:
    text = " ".join(opening(seed=7).split())
    assert "3 gateway nodes" in text
    assert "each may send 50 in 5 s on the plan free or 2,000 in 5 s on the plan paid" in text
    assert "seed 7" in text


def test_the_readme_shows_what_the_demo_prints_at_its_start() -> None:
    _, _, shown = (ROOT / "README.md").read_text().partition("<!-- demo:begin -->\n```\n")
    assert "COLUMNS=110 $(PYTHON) -m loadtest demo --seed 19 " in (ROOT / "Makefile").read_text()
    expected = [line.rstrip() for line in opening(seed=19, width=110).splitlines()]
    assert shown.splitlines()[: len(expected)] == expected, "run make readme"
