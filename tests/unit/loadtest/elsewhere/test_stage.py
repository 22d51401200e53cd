"""What the subject says of somebody's cluster, and what of it is of a run on it."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from gateway.contract.limits import parse_limits
from loadtest.elsewhere.books import Books
from loadtest.elsewhere.facts import Facts
from loadtest.elsewhere.front import Front
from loadtest.elsewhere.setting import of_limits
from loadtest.elsewhere.stage import Reached
from loadtest.elsewhere.target import Target, TargetError
from loadtest.scenarios import Chance, Client
from loadtest.subject_commands import About, Finding, Identity, Report, Subject
from loadtest.verdict import Asked

REDIS, HERE = 1000.0, 5000.0
"""Two clocks."""

OURS, THEIRS = About("client", "k_ours"), About("client", "k_theirs")
CLUSTER, NODE = About("cluster", "cluster"), About("node", "node-1")


def finding(code: str, about: About, since: float = 60.0) -> Finding:
    return Finding(code, about, "warning", "", "", "", REDIS + since)


def reached(known: frozenset[Identity] = frozenset()) -> Reached:
    limits = parse_limits("100/m")
    setting = of_limits(("node-1", "node-2"), (Client("key", OURS.id),) * 200, 30.0, limits)
    facts = Facts((), limits, known_findings=known)
    books = Books(setting, facts, Front([], ()), Subject({}, Path()), set(known))
    return Reached(Target((), ""), books, Path())


async def told(of: Reached, looks: Sequence[Sequence[Finding]]) -> list[Asked]:
    """What is left of these looks, one a second."""

    async def coming() -> AsyncIterator[Asked]:
        for second, found in enumerate(looks):
            report = Report(REDIS + second, not found, tuple(found))
            yield Asked(report.at, HERE + second + 0.2, report)

    return [asked async for asked in of.of_this_run(coming())]


async def codes(of: Reached, *looks: Sequence[Finding]) -> list[list[str]]:
    return [[one.code for one in asked.report.findings] for asked in await told(of, looks)]


async def test_what_is_about_others_clients_is_not_of_this_run() -> None:
    found = [finding("limit_breach", OURS), finding("hot_key", THEIRS), finding("node_skew", NODE)]
    assert await codes(reached(), found) == [["limit_breach", "node_skew"]]


async def test_what_was_there_before_counts_once_it_has_been_clear() -> None:
    skew = finding("node_skew", NODE)
    of = reached(frozenset({skew.identity}))
    assert await codes(of, [skew], [skew], [], [skew]) == [[], [], [], ["node_skew"]]
    assert not of.books.still_known


async def test_that_there_is_a_run_at_all_is_no_finding_whenever_it_is_found() -> None:
    begun, later = finding("spike_broad", CLUSTER, since=-1.0), finding("spike_broad", CLUSTER, since=60.0)
    assert await codes(reached(), [], [begun], [later]) == [[], [], ["spike_broad"]]


async def test_looks_are_told_by_this_machines_clock() -> None:
    asked, *_ = await told(reached(), [[]])
    assert (asked.asked_at, asked.clock_offset) == (HERE + 0.2, HERE + 0.2 - REDIS)


def test_scenarios_that_take_too_long_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(reached().drawn(["steady", "poisson"], Chance(1))) == 3
    monkeypatch.setattr("loadtest.elsewhere.stage.LONGEST_RUN_SECONDS", 60)
    with pytest.raises(TargetError, match="put fewer into one"):
        reached().drawn(["steady", "poisson"], Chance(1))
