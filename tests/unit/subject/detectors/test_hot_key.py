import pytest

from subject.detectors.hot_key import hot_key
from subject.finding import Finding, Target
from tests.unit.subject.builders import START, THRESHOLDS, Rate, always, cluster, even, policies, steps


def found(acme: Rate, others: int = 12, each: int = 1, seconds: int = 60) -> list[Finding]:
    """What acme and each of the others send to each of three nodes a second."""
    clients: dict[str, Rate] = {f"client-{number}": always(each) for number in range(others)}

    def requests(second: int) -> int:
        return 3 * (acme(second) + others * each)

    nodes = even(requests, clients={**clients, "acme": acme})
    return hot_key(cluster(*nodes, seconds=seconds, policies=policies()), THRESHOLDS)


def test_a_client_with_most_of_the_requests_is_named_since_it_has() -> None:
    (hot,) = found(steps((0, 1), (40, 24)))

    assert hot.subject == Target("client", "acme")
    assert hot.severity == "info"
    assert hot.since == START + 40
    assert [(item.metric, item.now) for item in hot.evidence[:2]] == [
        ("share_of_requests", 0.667),
        ("client_rate", 72.0),
    ]


@pytest.mark.parametrize(("acme", "expected"), [(7, False), (9, True)])
def test_two_fifths_are_the_border(acme: int, expected: bool) -> None:
    assert bool(found(always(acme))) is expected


def test_among_few_clients_somebody_always_has_most() -> None:
    assert found(always(24), others=8) == []


def test_of_few_requests_a_share_says_little() -> None:
    assert found(steps((0, 3), (59, 3)), others=12, each=0) == []


def test_it_is_over_when_the_share_is() -> None:
    assert found(steps((0, 1), (20, 24), (40, 1))) == []
