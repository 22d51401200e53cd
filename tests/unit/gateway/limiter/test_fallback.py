"""Decisions without Redis: by the windows as last read, and by the backlog of this process."""

from collections.abc import Sequence

from gateway.clock import RedisClock
from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.limiter import decision
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.fallback import MAX_WINDOWS, Backlog, Fallback
from gateway.limiter.window_cache import WindowCache
from gateway.telemetry.counters import Counters
from tests.unit.gateway.limiter.builders import NOW, ONE, SENT, TEN, THIS, TWO, known


class Node:
    """A fallback that enters what it lets through; at `SENT` Redis says `NOW`."""

    def __init__(self) -> None:
        clock = RedisClock()
        clock.learn(SENT, NOW, SENT)
        self.cache = WindowCache()
        self.backlog = Backlog(Counters())
        self._fallback = Fallback(self.cache, self.backlog, clock)

    def decide(self, hits: Sequence[Hit], now: float) -> tuple[WindowStatus, ...]:
        """As the only node, and without entering anything."""
        return self._fallback.decide(hits, 1, now)

    def passes(self, hits: Sequence[Hit], nodes: int, now: float) -> bool:
        statuses = self._fallback.decide(hits, nodes, now)
        passes = decision.admits(hits, statuses)
        if passes:
            self._fallback.record(hits, statuses, now, counted=False)
        return passes

    def admitted(self, limit: Limit, nodes: int, moments: list[float], key: str = "k") -> int:
        return sum(self.passes([Hit(key, limit)], nodes, now) for now in moments)


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
        node.passes([Hit(f"client-{number}", ONE)], 1, SENT)
    assert node.passes([Hit("client-0", ONE)], 1, SENT)
    assert not node.passes([Hit(f"client-{MAX_WINDOWS}", ONE)], 1, SENT)


def test_what_stood_in_the_last_view_is_nobodys_to_give_until_it_leaves() -> None:
    node = Node()
    known(node.cache, "k", {THIS - 50: 4, THIS: 3})
    assert node.admitted(TEN, 3, [SENT] * 5) == 1
    soon_gone = SENT + (window.leaves_at(THIS - 50, 60) - NOW) / window.MICROSECONDS
    assert node.admitted(TEN, 3, [soon_gone - 0.001] * 5) == 0
    assert node.admitted(TEN, 3, [soon_gone] * 5) == (10 - 3) // 3 - 1


def test_a_full_window_is_full_for_every_node_whatever_its_share() -> None:
    node = Node()
    known(node.cache, "k", {THIS: 1})
    assert node.admitted(ONE, 5, [SENT] * 5) == 0


def test_a_share_that_is_nothing_since_others_have_taken_it_is_nothing() -> None:
    node = Node()
    known(node.cache, "k", {THIS: 8})
    assert node.admitted(TEN, 3, [SENT] * 5) == 0


def test_what_redis_has_counted_but_not_told_takes_a_place_of_the_share() -> None:
    node = Node()
    node.backlog.record(Hit("k", TEN, 2), SENT, counted=True)
    assert node.admitted(TEN, 2, [SENT] * 9) == 3


def test_a_cost_takes_as_much_of_the_share_and_one_that_is_larger_passes_once() -> None:
    node = Node()
    assert [node.passes([Hit("k", TEN, 2)], 2, SENT) for _ in range(4)] == [True, True, False, False]
    assert [node.passes([Hit("large", TEN, 6)], 2, SENT) for _ in range(2)] == [True, False]


def test_a_request_takes_a_place_in_all_its_windows_or_in_none() -> None:
    node = Node()
    narrow, wide = Hit("narrow", TWO), Hit("wide", TEN)
    assert [node.passes([narrow, wide], 1, SENT) for _ in range(5)] == [True, True, False, False, False]
    assert node.backlog.total("narrow", SENT) == node.backlog.total("wide", SENT) == 2
    assert node.admitted(TEN, 1, [SENT] * 20, "wide") == 8


def test_a_window_in_shadow_refuses_nobody_and_takes_no_more_than_its_share() -> None:
    node = Node()
    hits = [Hit("shadow", TWO, shadow=True), Hit("wide", TEN)]
    assert all(node.passes(hits, 1, SENT) for _ in range(5))
    assert node.backlog.total("shadow", SENT) == 2


def test_a_refusal_tells_when_something_leaves_first_of_what_the_node_or_redis_counted() -> None:
    node = Node()
    known(node.cache, "k", {THIS - 20: 9})
    assert node.passes([Hit("k", TEN)], 1, SENT)
    (status,) = node.decide([Hit("k", TEN)], SENT)
    assert (status.admitted, status.remaining) == (False, 0)
    assert status.wait_seconds == (window.leaves_at(THIS - 20, 60) - NOW) / window.MICROSECONDS
