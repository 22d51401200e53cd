"""What a run on somebody's cluster comes to."""

from dataclasses import replace
from pathlib import Path

from gateway.contract.limits import Limit, parse_limits
from loadtest.counts import Counted, Counts
from loadtest.elsewhere import books
from loadtest.elsewhere.books import Books
from loadtest.elsewhere.facts import Facts
from loadtest.elsewhere.front import Front
from loadtest.elsewhere.others import Stretch
from loadtest.elsewhere.setting import of_limits
from loadtest.passages import Busiest
from loadtest.scenarios import Scenario, Sign
from loadtest.subject_commands import About, Finding, Identity, Subject
from loadtest.verdict import Outcome, Times, Verdict


def books_of(others_per_second: float = 0.0, *known: Identity) -> Books:
    """Of a cluster on which 30 requests a second are usual."""
    setting = of_limits(("node-1",), (), 30.0, parse_limits("100/m"))
    facts = Facts(
        (), parse_limits("100/m"), others_per_second=others_per_second, known_findings=frozenset(known)
    )
    return Books(setting, facts, Front([], ()), Subject({}, Path()), set(known))


def outcome(*found: Finding, missing: tuple[Sign, ...] = ()) -> Outcome:
    """Of a scenario from second 100 to second 140, with what is amiss."""
    scenario = Scenario("skew", "nothing", (), ())
    return Outcome(scenario, (), missing, found, (), times=Times(100.0, 101.0, 120.0, 140.0))


def judged(found: Outcome, of: Books) -> Verdict:
    """A run of this alone, broken off at its end."""
    verdict = of.broken_off([found], ())
    return replace(verdict, busiest=Busiest("key", 1, Limit(100, 60)))


HOT = Sign("hot_key", "client", "acme")
SKEW = Sign("node_skew", "node", "node-1")
SPIKE = Finding("spike_broad", About("cluster", "cluster"), "warning", "more", "", "")
DOWN = Finding("node_down", About("node", "node-1"), "critical", "gone", "", "")
BREACH = Finding("limit_breach", About("client", "acme"), "warning", "over", "", "")


def test_what_is_found_of_nodes_and_cluster_beside_others_neither_passes_nor_fails() -> None:
    for amiss in (outcome(SPIKE), outcome(missing=(SKEW,)), outcome(missing=(HOT,))):
        assert judged(amiss, books_of()).word == "failed"
        beside = judged(amiss, books_of(others_per_second=10.0))
        assert beside.word == "not judged"
        assert "beside others' traffic" in beside.unjudged[0]
    for amiss in (outcome(BREACH), outcome(DOWN)):
        assert judged(amiss, books_of(others_per_second=10.0)).word == "failed"


def test_what_only_the_subject_cannot_see_is_nobodys_failure() -> None:
    unsure, sure = (replace(SPIKE, code="store_down", confidence=confidence) for confidence in (0.6, 0.95))
    for blind in (replace(SPIKE, code="observer_blind"), unsure):
        verdict = judged(replace(outcome(blind, missing=(SKEW,)), stayed=(blind,)), books_of())
        assert verdict.word == "not judged"
        assert verdict.unjudged[0].startswith("skew: from here it could not be seen")
    assert judged(outcome(sure), books_of()).word == "failed"


def test_others_who_send_only_during_a_scenario_are_seen_too() -> None:
    busy = Stretch(119.0, 124.0, 100)
    before, during = replace(busy, began_at=80.0, ended_at=85.0), busy
    assert books_of().judged(outcome(SPIKE), [before]).false_alarms
    assert not books_of().judged(outcome(SPIKE), [during]).false_alarms


def test_what_was_there_all_the_time_cannot_be_told_from_what_was_put_there() -> None:
    verdict = judged(outcome(missing=(SKEW,)), books_of(0.0, ("node_skew", "node", "node-1")))
    assert verdict.unjudged == ("skew: node_skew (node-1) has been there since before the run",)
    assert verdict.word == "not judged"


def test_what_found_out_where_nodes_are_is_counted_too() -> None:
    counted = Counted({"node-1": Counts(started=10, admitted=7, refused=3)}, dropped=0)
    front = Front([("node-1", "http://node")], ("node-1",), {"node-1": Counts(started=5, admitted=5)})
    assert books.with_probes(counted, front) == {"node-1": Counts(started=15, admitted=12, refused=3)}
