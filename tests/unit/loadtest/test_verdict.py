"""What a run is judged by."""

from dataclasses import replace

from gateway.contract.limits import Limit
from loadtest import verdict
from loadtest.passages import Busiest
from loadtest.remedied import Done, Remedied
from loadtest.scenarios import Scenario, Sign
from loadtest.scenarios.remedy import NodeRatio, Outside, Remedy
from loadtest.subject_commands import About, Finding, Problem, Report
from loadtest.verdict import Asked, Outcome, Times, Verdict

SKEW = Sign("node_skew", "node", "node-2")
BREACH = Sign("limit_breach", "client")
OVER = Times(0.0, 0.0, 0.5, 3.0)
KEPT = Busiest("k", 10, Limit(10, 1))


def finding(code: str = "node_skew", kind: str = "node", subject_id: str = "node-2") -> Finding:
    return Finding(
        code, About(kind, subject_id), "warning", f"{code} of {subject_id}", "a cause", "a command"
    )


def report(*findings: Finding, asked_at: float = 0.0) -> Asked:
    """It takes a second."""
    problems = tuple(Problem(one.code, one.subject) for one in findings)
    told = Report(at=asked_at, healthy=not findings, findings=findings, problems=problems)
    return Asked(asked_at, asked_at + 1, told)


def scenario(*expected: Sign, allowed: tuple[Sign, ...] = ()) -> Scenario:
    return Scenario("skew", "most to one node", (), expected, allowed)


def test_one_request_too_many_fails_the_run() -> None:
    assert Verdict((), KEPT).failures == ()
    assert len(Verdict((), replace(KEPT, largest=11)).failures) == 1
    assert Verdict((), None).failures == ("nothing reached the upstream",)


def test_what_is_expected_and_reported_is_found() -> None:
    result = verdict.outcome(scenario(SKEW), [report(), report(finding())])
    assert result.found == ((SKEW, finding()),)
    assert result.is_right


def test_another_node_is_a_false_alarm_and_the_right_one_is_missing() -> None:
    result = verdict.outcome(scenario(SKEW), [report(finding(subject_id="node-1"))])
    assert result.missing == (SKEW,)
    assert result.false_alarms == (finding(subject_id="node-1"),)
    assert len(Verdict((result,), KEPT).failures) == 2


def test_what_is_allowed_may_be_there_or_not() -> None:
    allowing = scenario(SKEW, allowed=(BREACH,))
    breach = finding("limit_breach", "client", "k_1")
    assert verdict.outcome(allowing, [report(finding()), report(finding(), breach)]).is_right
    assert verdict.outcome(allowing, [report(finding())]).is_right
    assert not verdict.outcome(scenario(SKEW), [report(finding(), breach)]).is_right


def test_a_false_alarm_in_one_of_many_reports_counts_once() -> None:
    alarm = finding("store_slow", "cluster", "cluster")
    result = verdict.outcome(scenario(), [report(alarm), report(), report(alarm)])
    assert result.false_alarms == (alarm,)


def test_a_finding_that_stays_fails_the_run() -> None:
    result = verdict.outcome(scenario(SKEW), [report(finding())], OVER)
    assert not result.is_right
    assert len(Verdict((result,), KEPT).failures) == 1


def test_two_causes_are_two_problems_and_one_is_one() -> None:
    breach = finding("limit_breach", "client", "k_1")
    both = [report(finding(), breach)]
    assert verdict.outcome(replace(scenario(SKEW, BREACH), problems=2), both).is_right
    torn = verdict.outcome(scenario(SKEW, BREACH), both)
    assert not torn.is_right
    assert Verdict((torn,), KEPT).failures == (
        "skew: not one problem for each cause (1), but node_skew (node-2), limit_breach (k_1)",
    )


def test_how_long_it_took_to_find_and_to_clear() -> None:
    reports = [
        report(asked_at=10.0),
        report(finding(), asked_at=12.0),
        report(finding(), asked_at=20.0),
        report(asked_at=22.0),
        report(asked_at=24.0),
    ]
    result = verdict.outcome(scenario(SKEW), reports, Times(began_at=9.0, ended_at=18.5))
    assert result.found_seconds == (4.0,)
    assert result.clear_seconds == 4.5


def test_what_never_was_or_stayed_has_no_time_to_clear() -> None:
    quiet = verdict.outcome(scenario(), [report(asked_at=1.0)], OVER)
    stuck = verdict.outcome(scenario(SKEW), [report(finding(), asked_at=1.0)], OVER)
    assert quiet.clear_seconds is stuck.clear_seconds is None


def test_a_problem_fails_the_run() -> None:
    right = Outcome(scenario(), (), (), (), ())
    assert Verdict((right,), KEPT, problems=("node-1 ended",)).failures == ("node-1 ended",)


def test_what_nobody_could_tell_neither_passes_nor_fails() -> None:
    of_findings = replace(verdict.outcome(scenario(), []), unjudged=("node_skew (node-1) was found",))
    name = of_findings.scenario.name
    for open_one in (Verdict((of_findings,), KEPT), Verdict((), KEPT, open_questions=("broken off",))):
        assert (open_one.word, open_one.failures, len(open_one.unjudged)) == ("not judged", (), 1)
        assert replace(open_one, problems=("node-1 ended",)).word == "failed"
    assert Verdict((of_findings,), KEPT).unjudged == (f"{name}: node_skew (node-1) was found",)
    assert Verdict((), KEPT).word == "passed"


REMEDY = Remedy(Outside("somebody does something"), NodeRatio("node-2"), goal=0.5)


def test_a_scenario_about_which_nothing_was_done_that_helped_fails_the_run() -> None:
    with_remedy = replace(scenario(SKEW), remedy=REMEDY)
    helped = Remedied(REMEDY, Done("something", 5.0), 0.8, 0.3, closed_seconds=4.0)
    in_vain = replace(helped, after=0.7)
    results = [
        verdict.outcome(with_remedy, [report(finding()), report()], remedied=remedied)
        for remedied in (helped, in_vain, None)
    ]
    assert [result.is_right for result in results] == [True, False, False]
    assert [len(Verdict((result,), KEPT).failures) for result in results] == [0, 1, 1]
    assert Verdict((results[2],), KEPT).failures == ("skew: nothing was done about it",)


def test_what_was_not_found_is_one_failure_though_nothing_was_done_either() -> None:
    unseen = verdict.outcome(replace(scenario(SKEW), remedy=REMEDY), [report()])
    assert Verdict((unseen,), KEPT).failures == ("skew: node_skew (node-2) was not found",)


def test_what_was_expected_is_over_though_something_else_is_still_found() -> None:
    breach = finding("limit_breach", "client", "k_1")
    reports = [
        report(finding(), asked_at=10.0),
        report(finding(), breach, asked_at=14.0),
        report(breach, asked_at=16.0),
        report(breach, asked_at=18.0),
    ]
    assert verdict.closed_seconds(scenario(SKEW), reports, 13.0) == 4.0
    assert verdict.closed_seconds(scenario(SKEW), reports[:2], 13.0) is None
    assert verdict.closed_seconds(scenario(SKEW), reports, 19.0) is None
