"""What of an observation is a violation, and what that says."""

from datetime import UTC, datetime

from subject import RateLimiterChecker
from subject.finding import CLUSTER, Target
from tests.unit.subject.builders import START
from tests.unit.subject.findings import finding
from tests.unit.subject.observations import CLIENT, NODE, observation, observed


def test_all_is_well_without_findings() -> None:
    assert RateLimiterChecker().check(observed()) == []
    assert RateLimiterChecker().check({}) == []


def test_a_problem_is_a_violation_under_the_code_of_its_cause() -> None:
    found = finding("node_down", NODE, since=START, at=START + 9, severity="critical")

    (violation,) = RateLimiterChecker().check(observed(found))

    assert violation.invariant_name == "node_down"
    assert violation.message == found.summary
    assert violation.first_seen == datetime.fromtimestamp(START, UTC)
    assert violation.last_seen == datetime.fromtimestamp(START + 9, UTC)
    assert violation.store_id == "node-2"
    assert violation.severity == "critical"


def test_first_seen_stays_while_the_violation_lasts_and_is_forgotten_with_it() -> None:
    checker = RateLimiterChecker()
    checker.check(observation(finding("store_down", CLUSTER, since=START, at=START)))

    (lasting,) = checker.check(observation(finding("store_down", CLUSTER, since=START + 5, at=START + 9)))
    checker.check(observation())
    (new,) = checker.check(observation(finding("store_down", CLUSTER, since=START + 60, at=START + 61)))

    assert lasting.first_seen == datetime.fromtimestamp(START, UTC)
    assert lasting.last_seen == datetime.fromtimestamp(START + 9, UTC)
    assert new.first_seen == datetime.fromtimestamp(START + 60, UTC)


def test_the_same_code_of_two_nodes_is_two_violations() -> None:
    found = [finding("node_down", Target("node", f"node-{n}"), since=START + n) for n in (1, 2)]

    assert [one.store_id for one in RateLimiterChecker().check(observed(*found))] == ["node-1", "node-2"]


def test_without_problems_each_finding_is_a_violation_at_once() -> None:
    found = [
        finding("store_down", CLUSTER, severity="critical"),
        finding("fallback_active", CLUSTER, since=START + 20),
    ]

    violations = RateLimiterChecker().check(observation(*found))

    assert [one.invariant_name for one in violations] == ["store_down", "fallback_active"]


def test_symptoms_are_no_violations_and_their_cause_names_them() -> None:
    storm = [finding(code, CLIENT) for code in ("retry_storm", "spike_single", "limit_breach")]

    (violation,) = RateLimiterChecker().check(observed(storm))

    assert violation.invariant_name == "retry_storm"
    assert violation.message == "retry_storm of acme; with it: spike_single (acme), limit_breach (acme)"


def test_it_is_as_severe_as_the_worst_of_it() -> None:
    cause, effect = finding("hot_key", CLIENT, severity="info"), finding("node_skew", NODE)

    assert [one.severity for one in RateLimiterChecker().check(observed([cause, effect]))] == ["warning"]


def test_what_is_for_information_is_none() -> None:
    assert RateLimiterChecker().check(observed(finding("hot_key", CLIENT, severity="info"))) == []


def test_a_problem_whose_finding_is_not_there_is_left_out() -> None:
    broken = observed([finding("retry_storm", CLIENT), finding("limit_breach", CLIENT)])
    broken["findings"] = broken["findings"][1:]

    assert RateLimiterChecker().check(broken) == []
