"""Runs as scoring leaves them, made by hand."""

from collections.abc import Sequence

from loadtest.evaluation.plan import REPORTING, Run
from loadtest.evaluation.run_file import Books
from loadtest.evaluation.scoring import Scored
from loadtest.scenarios import Scenario, Sign
from loadtest.subject_commands import About, Finding, Problem, Report
from loadtest.verdict import Asked, Outcome, Times

SKEW = Sign("node_skew", "node", "node-2")
BREACH = Sign("limit_breach", "client", "k_1")
BEGAN, ENDED, OVER = 100.0, 112.0, 130.0


def run(name: str = "reporting-1001-low-20-1", intensity: str = "low", purpose: str = REPORTING) -> Run:
    return Run(name, purpose, intensity, 20, ("skew",))


def finding(sign: Sign) -> Finding:
    about = About(sign.kind, sign.id or sign.kind)
    return Finding(sign.code, about, "warning", f"{sign.code} it is", "a cause", "a command")


def report(at: float, *signs: Sign) -> Asked:
    """A look that found these, a tenth of a second after it was begun."""
    findings = tuple(map(finding, signs))
    problems = tuple(Problem(one.code, one.subject) for one in findings)
    return Asked(at - 0.1, at, Report(at - 0.1, not findings, findings, problems))


def scenario(*expected: Sign, name: str = "skew") -> Scenario:
    return Scenario(name, "most to one node", (), expected)


def times(started_at: float = BEGAN) -> Times:
    return Times(started_at, started_at, started_at + ENDED - BEGAN, started_at + OVER - BEGAN)


def scored(*outcomes: Outcome, of: Run | None = None, failures: Sequence[str] = ()) -> Scored:
    return Scored(of or run(), outcomes, Books(1000, tuple(failures)), looks=30, differing=0)
