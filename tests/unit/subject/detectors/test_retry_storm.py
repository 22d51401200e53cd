from dataclasses import replace

import pytest

from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override, Overrides
from subject.detectors.retry_storm import retry_storm
from subject.finding import Finding, Target
from tests.unit.subject.builders import NEVER, START, THRESHOLDS, Rate, always, cluster, even, policies, steps


def found(
    asked: Rate, refused: Rate, requests: Rate | None = None, seconds: int = 60, **table: object
) -> list[Finding]:
    """What acme asks, and of it is refused, at each of three nodes a second."""
    nodes = even(
        requests or always(90), refused=refused, clients={"acme": asked}, refused_clients={"acme": refused}
    )
    return retry_storm(cluster(*nodes, seconds=seconds, policies=policies(**table)), THRESHOLDS)  # type: ignore[arg-type]  # fields of the table


def test_a_client_that_does_not_wait_is_named_since_it_does_not() -> None:
    asked, refused = steps((0, 1), (40, 10)), steps((0, 0), (40, 9))

    (storm,) = found(asked, refused)

    assert storm.subject == Target("client", "acme")
    assert storm.since == START + 40
    assert "its limit of 100/m (default)" in storm.summary
    assert [(item.metric, item.now) for item in storm.evidence[:2]] == [
        ("retry_rate", 30.0),
        ("rejection_ratio", 0.9),
    ]


@pytest.mark.parametrize(("asked", "refused"), [(3, 3), (10, 7), (10, 0)])
def test_few_retries_or_few_refusals_are_none(asked: int, refused: int) -> None:
    assert found(always(asked), always(refused)) == []


@pytest.mark.parametrize(("seconds", "expected"), [(3, False), (6, True)])
def test_a_burst_is_none_until_it_lasts(seconds: int, expected: bool) -> None:
    # Eleven requests a second in all; a burst of three seconds has no five of ten.
    storm = steps((0, 0), (50, 5), (50 + seconds, 0))

    assert bool(found(storm, storm, seconds=50 + seconds + 1)) is expected


def test_it_is_over_when_the_client_waits() -> None:
    storm = steps((0, 0), (30, 10), (50, 0))

    assert found(storm, storm, seconds=60) == []


def test_who_is_denied_was_not_told_when_to_come_back() -> None:
    assert found(always(10), always(10), deny=("acme",)) == []


def test_a_limit_that_was_changed_meanwhile_is_not_called_the_one_that_refused_it() -> None:
    storm = steps((0, 0), (40, 10))
    raised = Overrides({"acme": Override(parse_limits("1000/m"), "ann", START + 57)})
    nodes = even(always(90), refused=storm, clients={"acme": storm}, refused_clients={"acme": storm})

    (one,) = retry_storm(
        cluster(*nodes, seconds=60, policies=replace(policies(), overrides=raised)), THRESHOLDS
    )

    assert "is refused by its limit (changed to 1000/m at 22:14:17Z), each" in one.summary


def test_a_client_that_stands_in_the_list_of_refusals_only_is_found_too() -> None:
    (storm,) = found(NEVER, always(10))

    assert storm.evidence[1].now == 1.0
