from datetime import UTC, datetime
from typing import Any

from subject import RateLimiterChecker
from subject.finding import CLUSTER, Target, as_json
from tests.unit.subject.builders import START
from tests.unit.subject.findings import finding


def observation(*found: Any) -> dict[str, Any]:
    return {"findings": [as_json(one) for one in found]}


def test_all_is_well_without_findings() -> None:
    assert RateLimiterChecker().check(observation()) == []


def test_a_finding_is_a_violation_under_its_code() -> None:
    found = finding("node_down", Target("node", "node-2"), since=START, at=START + 9, severity="critical")

    (violation,) = RateLimiterChecker().check(observation(found))

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

    violations = RateLimiterChecker().check(observation(*found))

    assert [violation.store_id for violation in violations] == ["node-1", "node-2"]


def test_an_observation_without_findings_raises_nothing() -> None:
    assert RateLimiterChecker().check({}) == []
