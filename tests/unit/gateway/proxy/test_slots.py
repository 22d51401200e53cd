"""Who may connect, without connections."""

from gateway.access import TrustedProxies
from gateway.proxy.slots import EVICTION_ATTEMPTS, ConnectionSlot, OverloadReason, SlotPool
from gateway.telemetry.counters import Counters


class Hall:
    """Some connections, and those that were closed to make room."""

    def __init__(self, max_connections: int, max_per_address: int = 0, exempt: str = "") -> None:
        self.counters = Counters()
        self.connections = SlotPool(
            self.counters,
            max_connections=max_connections,
            max_per_address=max_per_address,
            exempt=TrustedProxies(exempt),
        )
        self.closed: list[str] = []

    def working(self, peer: str = "192.0.2.1") -> ConnectionSlot:
        """One that has a request."""
        place = self.connections.acquire(peer)
        assert isinstance(place, ConnectionSlot)
        return place

    def waiting(self, name: str, *, gives_way: bool | None = True) -> ConnectionSlot:
        """One that mark_idle for a request."""
        place = self.working()
        place.mark_idle(lambda: self._close(name, gives_way=gives_way))
        return place

    def _close(self, name: str, *, gives_way: bool | None) -> bool | None:
        self.closed.append(name)
        return gives_way


def test_there_are_no_more_than_there_may_be() -> None:
    hall = Hall(2)
    first = hall.working()
    hall.working()
    assert hall.connections.acquire("192.0.2.9") is OverloadReason.NODE
    first.release()
    hall.working()

    assert (hall.counters.connections, hall.counters.shed_node, hall.counters.gave_way) == (2, 1, 0)


def test_who_leaves_twice_leaves_once() -> None:
    hall = Hall(2, max_per_address=2)
    place = hall.working()
    hall.working()
    place.release()
    place.release()

    assert hall.counters.connections == 1
    hall.working()
    assert hall.connections.acquire("192.0.2.1") is OverloadReason.ADDRESS


def test_who_has_waited_longest_gives_way_first() -> None:
    hall = Hall(3)
    first, _, _ = hall.waiting("first"), hall.waiting("second"), hall.waiting("third")
    first.mark_busy()
    first.mark_idle(lambda: False)
    hall.working()
    hall.working()

    assert hall.closed == ["second", "third"]
    assert (hall.counters.connections, hall.counters.gave_way) == (3, 2)


def test_who_works_does_not_give_way() -> None:
    hall = Hall(1)
    place = hall.waiting("only")
    place.mark_busy()

    assert hall.connections.acquire("192.0.2.9") is OverloadReason.NODE
    assert hall.closed == []


def test_one_for_which_a_request_has_come_just_then_stays_and_the_next_is_asked() -> None:
    hall = Hall(2)
    hall.waiting("first", gives_way=False)
    hall.waiting("second")
    hall.working()

    assert hall.closed == ["first", "second"]


def test_not_everybody_is_asked_for_one_that_comes() -> None:
    hall = Hall(100)
    for number in range(100):
        hall.waiting(str(number), gives_way=False)

    assert hall.connections.acquire("192.0.2.9") is OverloadReason.NODE
    assert len(hall.closed) == EVICTION_ATTEMPTS


def test_who_turns_out_to_work_counts_for_none_of_those_who_are_asked() -> None:
    hall = Hall(2 * EVICTION_ATTEMPTS + 1)
    for number in range(2 * EVICTION_ATTEMPTS):
        hall.waiting(str(number), gives_way=None)
    hall.waiting("last")
    hall.working()

    assert hall.closed[-1] == "last"
    assert hall.counters.shed_node == 0


def test_an_address_has_no_more_than_it_may_and_others_are_not_concerned() -> None:
    hall = Hall(100, max_per_address=2)
    place = hall.working("192.0.2.1")
    hall.working("::ffff:192.0.2.1")
    assert hall.connections.acquire("192.0.2.1") is OverloadReason.ADDRESS
    hall.working("192.0.2.2")
    place.release()
    hall.working("192.0.2.1")

    assert (hall.counters.shed_address, hall.counters.shed_node) == (1, 0)


def test_a_site_of_ipv6_is_one_address() -> None:
    hall = Hall(100, max_per_address=2)
    hall.working("2001:db8::1")
    hall.working("2001:db8::ffff:1")

    assert hall.connections.acquire("2001:db8::2%eth0") is OverloadReason.ADDRESS
    hall.working("2001:db8:0:1::1")


def test_an_address_that_is_full_makes_nobody_give_way() -> None:
    hall = Hall(2, max_per_address=2)
    hall.waiting("first")
    hall.waiting("second")

    assert hall.connections.acquire("192.0.2.1") is OverloadReason.ADDRESS
    assert hall.closed == []


def test_a_trusted_proxy_has_as_many_as_it_likes() -> None:
    hall = Hall(100, max_per_address=1, exempt="10.0.0.0/8")
    for _ in range(50):
        hall.working("10.1.2.3")

    assert hall.counters.connections == 50
