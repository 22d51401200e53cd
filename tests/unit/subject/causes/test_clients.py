"""Why one client stands out."""

from dataclasses import replace

import pytest

from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override, Overrides
from gateway.contract.records import AuditRecord
from subject.causes.case import Case
from subject.causes.clients import before_and_refused
from subject.detectors.breach import limit_breach
from tests.unit.subject.builders import START, THRESHOLDS, always, cluster, even, policies, steps
from tests.unit.subject.causes.told import causes
from tests.unit.subject.scenes import crowd


def test_a_spike_of_one_client_is_its_retries_or_its_work_and_rather_somebody_else_if_it_is_new() -> None:
    def spike(acme: int, refused: int) -> dict[str, float]:
        nodes = crowd(steps((0, acme), (60, 60)), steps((0, 0), (60, refused)), each=2, others=15)
        found = causes("spike_single", cluster(*nodes, seconds=63))
        return {cause.text: cause.confidence for cause in found}

    misused = "acme's key is being misused"
    assert next(iter(spike(1, 0))) == "acme runs a batch"
    assert next(iter(spike(1, 40))) == "acme is in a retry loop"
    assert spike(0, 0)[misused] > 2 * spike(1, 0)[misused]


@pytest.mark.parametrize(("changed", "text"), [(True, "was lowered"), (False, "does not keep to its limit")])
def test_a_limit_that_was_just_lowered_is_the_cause_of_a_breach(changed: bool, text: str) -> None:
    known = policies()
    if changed:
        live = {"acme": Override(parse_limits("10/m"), "ann", START + 45, why="noisy")}
        known = replace(known, overrides=Overrides(live))
    nodes = crowd(always(5), refused=steps((0, 0), (50, 3)))
    first = causes("limit_breach", cluster(*nodes, seconds=60, policies=known))[0]

    assert text in first.text
    assert any("ann gave it 10/m" in told for told in first.speaks_for) is changed


def test_a_live_limit_that_has_just_come_to_its_end_is_the_cause_of_a_breach() -> None:
    ended = {"acme": Override(parse_limits("1000/m"), "ann", START - 600, until=START + 48)}
    nodes = crowd(always(5), refused=steps((0, 0), (50, 3)))

    first = causes("limit_breach", cluster(*nodes, seconds=60, policies=replace(policies(), ended=ended)))[0]

    assert "its live limit of 1000/m came to its end shortly before" in first.speaks_for


@pytest.mark.parametrize(("taken", "is_cause"), [("1000/m", True), ("9/m", False)])
def test_a_live_limit_that_was_taken_back_shortly_before_is_a_cause_if_it_was_higher(
    taken: str, is_cause: bool
) -> None:
    changes = (AuditRecord(START + 45, "ann", "unset", "acme", taken, None, "over"),)
    nodes = crowd(always(5), refused=steps((0, 0), (50, 3)))

    ranked = causes(
        "limit_breach", cluster(*nodes, seconds=60, policies=replace(policies(), changes=changes))
    )

    (lowered,) = [cause for cause in ranked if "was lowered" in cause.text]
    told = lowered.speaks_for if is_cause else lowered.speaks_against
    assert f"ann took its live limit of {taken} back (over) shortly before" in told
    assert (lowered is ranked[0]) is is_cause


def test_where_the_audit_was_read_it_is_known_that_a_limit_was_not_changed() -> None:
    nodes = crowd(always(5), refused=steps((0, 0), (50, 3)))

    first = causes("limit_breach", cluster(*nodes, seconds=60, policies=replace(policies(), changes=())))[0]

    assert "its limit was not changed live shortly before" in first.speaks_for


def test_a_limit_that_was_changed_after_a_breach_began_is_told_and_no_cause() -> None:
    live = {"acme": Override(parse_limits("1000/m"), "ann", START + 55, why="launch")}
    nodes = crowd(always(5), refused=steps((0, 0), (50, 3)))
    known = replace(policies(), overrides=Overrides(live))

    ranked = causes("limit_breach", cluster(*nodes, seconds=60, policies=known))

    told = [fact for cause in ranked for fact in (*cause.speaks_for, *cause.speaks_against)]
    assert "ann gave it 1000/m (launch) only after it began" in told
    assert "was lowered" not in ranked[0].text


def told_of(came: int, *, seconds: int = 60) -> str:
    """What is told of the time before acme was refused, from second 50 on, where it first `came` then."""
    acme = steps((0, 0), (came, 5)) if came else always(5)
    refused = steps((0, 0), (50, 4))
    nodes = even(always(60), refused=refused, clients={"acme": acme}, refused_clients={"acme": refused})
    found = limit_breach(cluster(*nodes, seconds=seconds), THRESHOLDS)[0]
    _, before, _ = before_and_refused(Case(cluster(*nodes, seconds=seconds), THRESHOLDS, found))
    return before.text


def test_what_a_client_sent_before_is_of_a_time_before_or_said_not_to_be() -> None:
    assert told_of(0) == "in the 50 s before, it sent 15 requests a second"
    assert told_of(30) == "in the 20 s before, since it first came, it sent 15 requests a second"
    assert told_of(47) == "it came for the first time 3 s before, as far as nodes tell"
    assert told_of(50) == "before, it was not among those that nodes list"


def test_of_a_cluster_that_has_just_begun_nobody_knows_what_was_before() -> None:
    refused = steps((0, 0), (4, 4))
    nodes = even(always(60), refused=refused, clients={"acme": always(5)}, refused_clients={"acme": refused})
    found = cluster(*nodes, seconds=12)

    _, before, _ = before_and_refused(Case(found, THRESHOLDS, limit_breach(found, THRESHOLDS)[0]))

    assert (before.text, before.value) == ("", None)
