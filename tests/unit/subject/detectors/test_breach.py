from dataclasses import replace

import pytest

from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override, Overrides
from gateway.contract.routes import Route
from subject.detectors.breach import limit_breach
from subject.finding import CLUSTER, Finding, Target
from tests.unit.subject.builders import NEVER, START, THRESHOLDS, Rate, always, cluster, even, policies, steps

SIXTY = always(60)


def found(
    refused: Rate, clients: dict[str, Rate], requests: Rate = SIXTY, seconds: int = 60
) -> list[Finding]:
    """`refused` and `clients` are each node's, `requests` the cluster's."""
    nodes = even(requests, refused=refused, refused_clients=clients, clients={"acme": always(10)})
    return limit_breach(cluster(*nodes, seconds=seconds, policies=policies()), THRESHOLDS)


def test_a_client_that_is_refused_often_is_named_since_it_is() -> None:
    burst = steps((0, 0), (50, 4))

    (breach,) = found(burst, {"acme": burst})

    assert breach.subject == Target("client", "acme")
    assert breach.since == START + 50
    assert "its limit of 100/m (default)" in breach.summary
    assert (breach.evidence[0].metric, breach.evidence[0].baseline) == ("refused", 20)


def breaches(*, denied: Rate = NEVER, **table: object) -> list[Finding]:
    """Of acme, refused sixty times a second, under policies of these fields."""
    nodes = even(
        always(90),
        refused=always(20),
        denied=denied,
        refused_clients={"acme": always(20)},
        clients={"acme": always(30)},
    )
    return limit_breach(cluster(*nodes, seconds=60, policies=policies(**table)), THRESHOLDS)  # type: ignore[arg-type]  # fields of the table


def test_what_else_may_have_refused_is_told_with_the_limit() -> None:
    route = Route("search", "/search", limit=parse_limits("5/s"))

    (breach,) = breaches(routes=(route, Route("heavy", "/heavy", cost=3)), default_concurrency=4)
    assert "over its limit of 100/m (default) or a route's or 4 at once since" in breach.summary

    (breach,) = breaches(routes=(Route("heavy", "/heavy", cost=3),))
    assert "over its limit of 100/m (default) since" in breach.summary


def test_a_limit_that_was_changed_meanwhile_is_not_called_the_one_that_it_is_over() -> None:
    burst = steps((0, 0), (50, 4))
    raised = Overrides({"acme": Override(parse_limits("1000/m"), "ann", START + 57)})
    nodes = even(SIXTY, refused=burst, refused_clients={"acme": burst}, clients={"acme": always(10)})

    (breach,) = limit_breach(
        cluster(*nodes, seconds=60, policies=replace(policies(), overrides=raised)), THRESHOLDS
    )

    assert "acme is over its limit (changed to 1000/m at 22:14:17Z) since 22:14:10Z: " in breach.summary


def test_a_client_that_is_denied_is_over_no_limit() -> None:
    assert breaches(denied=always(20), deny=("acme",)) == []


def test_refusals_by_the_deny_list_are_not_the_clusters_either() -> None:
    nodes = even(always(90), refused=always(25), denied=always(25))

    assert limit_breach(cluster(*nodes, seconds=60, policies=policies()), THRESHOLDS) == []


@pytest.mark.parametrize(("seconds", "expected"), [(3, False), (4, True)])
def test_twenty_refusals_in_ten_seconds_are_the_border(seconds: int, expected: bool) -> None:
    # Two a second on each of three nodes, whose records of the last second are not all there.
    burst = steps((0, 0), (50, 2), (50 + seconds, 0))

    assert bool(found(burst, {"acme": burst}, seconds=56)) is expected


def test_a_few_refusals_are_what_a_limiter_is_for() -> None:
    assert not found(steps((0, 0), (59, 1)), {"acme": steps((0, 0), (59, 1))})


def test_many_clients_are_one_finding_of_the_cluster() -> None:
    clients = {f"client-{n}": always(1) for n in range(8)}

    (breach,) = found(always(8), clients)

    assert breach.subject == CLUSTER
    assert "8 clients are over their limits" in breach.summary


def test_many_clients_that_are_each_refused_little_are_found_by_the_clusters_ratio() -> None:
    (breach,) = found(always(5), {})

    assert breach.subject == CLUSTER
    assert breach.evidence[0].now == pytest.approx(0.25)


@pytest.mark.parametrize(("refused", "requests", "expected"), [(1, 60, False), (4, 60, True), (2, 9, False)])
def test_a_fifth_of_a_hundred_requests_is_the_clusters_border(
    refused: int, requests: int, expected: bool
) -> None:
    assert bool(found(always(refused), {}, always(requests))) is expected


def test_it_ends_when_nobody_is_refused_any_more() -> None:
    burst = steps((0, 0), (20, 9), (40, 0))

    assert not found(burst, {"acme": burst})
