"""Decisions without Redis: from its last view, and from this process' books."""

from collections.abc import Sequence

from gateway.clock import RedisClock
from gateway.contract.limits import Limit
from gateway.limiter import decision
from gateway.limiter.charge import Charge
from gateway.limiter.fallback import Fallback
from gateway.limiter.ledger import MAX_WINDOWS, Ledger
from gateway.limiter.views import Views
from tests.unit.gateway.limiter.builders import NOW, ONE, SENT, TWO


class Node:
    """A fallback that enters what it lets through; at `SENT` Redis says `NOW`."""

    def __init__(self) -> None:
        clock = RedisClock()
        clock.learn(SENT, SENT, NOW)
        self.views = Views()
        self.ledger = Ledger()
        self._fallback = Fallback(self.views, self.ledger, clock)

    def passes(self, charges: Sequence[Charge], nodes: int, now: float) -> bool:
        standings = self._fallback.decide(charges, nodes, now)
        passes = decision.admits(charges, standings)
        if passes:
            self._fallback.enter(charges, standings, now, posted=False)
        return passes

    def admitted(self, limit: Limit, nodes: int, moments: list[float], key: str = "k") -> int:
        return sum(self.passes([Charge(key, limit)], nodes, now) for now in moments)


def test_a_node_admits_its_share() -> None:
    assert Node().admitted(Limit(90, 60), 3, [SENT] * 50) == 30


def test_a_share_is_never_nothing() -> None:
    assert Node().admitted(ONE, 5, [SENT] * 9) == 1


def test_a_refused_request_takes_no_place_and_the_window_slides() -> None:
    moments = [SENT + i / 10 for i in range(1200)]
    assert 10 <= Node().admitted(Limit(5, 60), 1, moments) <= 11


def test_clients_have_windows_of_their_own() -> None:
    node = Node()
    assert node.admitted(TWO, 1, [SENT] * 5, "a") == 2
    assert node.admitted(TWO, 1, [SENT] * 5, "b") == 2


def test_the_windows_are_bounded_and_the_longest_unused_is_forgotten() -> None:
    node = Node()
    for number in range(MAX_WINDOWS + 1):
        node.passes([Charge(f"client-{number}", ONE)], 1, SENT)
    assert node.passes([Charge("client-0", ONE)], 1, SENT)
    assert not node.passes([Charge(f"client-{MAX_WINDOWS}", ONE)], 1, SENT)
