from dataclasses import replace

import pytest

from gateway.contract.records import LiveChanges, TelemetryRecord
from subject.detectors.overrides import override_malformed
from subject.finding import CLUSTER, Finding, Target
from tests.unit.subject.builders import AWAY, START, THRESHOLDS, policies, record, snapshot

CLIENT = "k_0123456789abcdef"


def node(name: str, *malformed: str, number: int | None = None, problem: str = "") -> TelemetryRecord:
    """One that has refused these fields for three seconds."""
    known = LiveChanges(5, number or len(malformed), malformed, problem, START - 3.0 if malformed else None)
    return record(name, overrides=known)


def find(*records: TelemetryRecord, own: tuple[str, ...] = ()) -> list[Finding]:
    return override_malformed(snapshot(records, policies=policies(malformed=own)), THRESHOLDS)


def test_what_everybody_can_read_is_no_finding() -> None:
    assert find(node("node-1"), node("node-2")) == []


def test_a_limit_that_nodes_refuse_is_told_of_its_client() -> None:
    (found,) = find(node("node-1", f"limit:{CLIENT}"), node("node-2"))

    assert (found.code, found.severity, found.since) == ("override_malformed", "warning", START - 3)
    assert found.subject == Target("client", CLIENT)
    assert f"limit:{CLIENT} in ratelimit:overrides cannot be read" in found.summary
    assert "1 of 2 nodes keep what they last could read" in found.summary
    assert found.evidence[0].unit == f"malformed field: limit:{CLIENT}"
    assert (found.evidence[1].baseline, found.evidence[1].now) == (2, 1)
    assert found.suggested_action == f"subject limits unset {CLIENT}"
    assert found.verify_with == f"subject limits get {CLIENT}"


def test_one_that_only_the_subject_has_read_so_far_is_told_too() -> None:
    (found,) = find(node("node-1"), own=("limit:acme",))

    assert found.subject == Target("client", "acme")
    assert (found.since, "nodes keep" in found.summary) == (START, False)


def test_what_nodes_and_the_subject_refuse_alike_is_told_once() -> None:
    assert len(find(node("node-1", "limit:acme"), node("node-2", "limit:acme"), own=("limit:acme",))) == 1


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("generation:acme", "subject reset acme"),
        ("version", 'redis-cli -u "$REDIS_URL" HDEL ratelimit:overrides version'),
        ("limit:", 'redis-cli -u "$REDIS_URL" HDEL ratelimit:overrides limit:'),
        ("limit:a b; rm", 'redis-cli -u "$REDIS_URL" HKEYS ratelimit:overrides'),
        ("x" * 500, 'redis-cli -u "$REDIS_URL" HKEYS ratelimit:overrides'),
        ("\x1b[2J", 'redis-cli -u "$REDIS_URL" HKEYS ratelimit:overrides'),
    ],
)
def test_the_action_mends_that_field_and_nothing_else(name: str, action: str) -> None:
    (found,) = find(node("node-1"), own=(name,))

    assert found.suggested_action == action
    assert found.summary.isprintable()


@pytest.mark.parametrize("number", [4, 9000])
def test_many_are_one_finding_of_the_cluster(number: int) -> None:
    (found,) = find(node("node-1", "limit:a", "limit:b", "limit:c", number=number))

    assert found.subject == CLUSTER
    assert f"{number:,} fields in ratelimit:overrides cannot be read" in found.summary
    assert found.suggested_action == "subject limits unset a"


def test_a_hash_that_is_none_is_one_finding() -> None:
    live = replace(policies(), problem="ratelimit:overrides is no hash")
    (found,) = override_malformed(snapshot([record()], policies=live), THRESHOLDS)

    assert found.summary == "No live change is taken over: ratelimit:overrides is no hash"
    assert found.suggested_action.endswith("RENAME ratelimit:overrides ratelimit:overrides-set-aside")


def test_what_only_a_node_cannot_read_is_told_in_its_words() -> None:
    (found,) = find(node("node-1", problem="its user lacks a right"), node("node-2"))

    assert "node-1 cannot read ratelimit:overrides: its user lacks a right" in found.summary
    assert "1 of 2 nodes" in found.summary


def test_what_was_read_before_redis_went_away_says_nothing_of_now() -> None:
    look = snapshot([node("node-1", "limit:acme")], redis=AWAY, policies=policies(malformed=["limit:acme"]))

    assert override_malformed(look, THRESHOLDS) == []


def test_a_node_that_is_down_is_not_asked() -> None:
    look = snapshot([node("node-1", "limit:acme"), record("node-2", START + 60)], START + 60)

    assert override_malformed(look, THRESHOLDS) == []


@pytest.mark.parametrize("number", [1, 2, 9000])
def test_what_a_node_counts_and_does_not_name_is_found_too(number: int) -> None:
    (found,) = find(node("node-1", number=number))

    assert found.subject == CLUSTER
    assert found.summary.startswith(f"{number:,} field")
    assert found.suggested_action.endswith("HKEYS ratelimit:overrides")
