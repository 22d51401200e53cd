"""A run of a skew that was found, as it ended and as it was broken off; and the looks of its subject."""

from dataclasses import replace

from gateway.contract.limits import Limit
from gateway.contract.records import Totals
from loadtest.elsewhere.target import Target
from loadtest.passages import Busiest
from loadtest.play import Played
from loadtest.run_report.document import Run
from loadtest.scenarios import Client, Scenario, Setting, Sign
from loadtest.subject_commands import About, Finding, NodeFigures, Report
from loadtest.verdict import Asked, Outcome, Times, Verdict

NAME = "<node>"
SKEW = Sign("node_skew", "node", NAME)
FOUND = Finding("node_skew", About("node", NAME), "warning", f"{NAME} serves 80 %", "a & b", "subject nodes")


def look(
    at: float, *findings: Finding, requests: int = 0, refused: int = 0, seen: float | None = None
) -> Asked:
    totals = Totals(requests=requests, admitted=requests - refused, refused=refused)
    node = NodeFigures(NAME, totals, at if seen is None else seen, 2.0, 9.0)
    return Asked(at, at, Report(at, healthy=not findings, findings=findings, nodes=(node,)))


LOOKS = [
    look(100.0, requests=50),
    look(101.0, requests=60, refused=4),
    look(102.0, FOUND, requests=60, refused=4, seen=101.0),
    look(103.0, FOUND, requests=90, refused=4),
    look(104.0, requests=5),
]


def finished(target: Target | None = None, problems: tuple[str, ...] = ()) -> Run:
    times = Times(100.0, 101.0, 103.0, 104.0)
    skew = Scenario("skew", f"80 % to {NAME}", (), (SKEW,))
    outcome = Outcome(skew, ((SKEW, FOUND),), (), (), (), (1.0,), None, 1.0, times)
    verdict = Verdict((outcome,), Busiest("k", 9, Limit(10, 1)), 90, problems, not_judged=("the <log>",))
    setting = Setting((NAME,), (Client("secret-key", "k_1"),), 30.0, Limit(10, 1), 0.05)
    return Run(Played(setting, (skew,), None, [outcome], LOOKS), verdict, 7, 100.0, target)


def broken_off() -> Run:
    """The same, while one that is steady is under way."""
    run = finished()
    steady = Scenario("steady", "nothing", (), ())
    played = replace(run.played, drawn=(*run.played.drawn, steady), begun_at=[100.0, 103.5])
    return replace(run, played=played, verdict=played.broken_off("node <gone>"))
