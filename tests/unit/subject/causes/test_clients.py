"""Why one client stands out."""

from dataclasses import replace

import pytest

from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override, Overrides
from tests.unit.subject.builders import START, always, cluster, policies, steps
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


def test_a_limit_that_was_changed_after_a_breach_began_is_told_and_no_cause() -> None:
    live = {"acme": Override(parse_limits("1000/m"), "ann", START + 55, why="launch")}
    nodes = crowd(always(5), refused=steps((0, 0), (50, 3)))
    known = replace(policies(), overrides=Overrides(live))

    ranked = causes("limit_breach", cluster(*nodes, seconds=60, policies=known))

    told = [fact for cause in ranked for fact in (*cause.speaks_for, *cause.speaks_against)]
    assert "ann gave it 1000/m only after it began (launch)" in told
    assert "was lowered" not in ranked[0].text
