"""Three workers in one process: each sees its own board, of the same memory."""

import os
from collections.abc import Iterator

import pytest

from gateway.proxy.slots import ConnectionSlot, OverloadReason, SlotPool
from gateway.telemetry.counters import Counters
from gateway.workers.shared_counters import SharedCounters, create

WORKERS = 3


@pytest.fixture
def boards() -> Iterator[list[SharedCounters]]:
    descriptor = create(WORKERS)
    yield [SharedCounters(descriptor, WORKERS, b"secret") for _ in range(WORKERS)]
    os.close(descriptor)


def test_requests_in_flight_are_those_of_all_workers(boards: list[SharedCounters]) -> None:
    first, second, third = (board.in_flight(number) for number, board in enumerate(boards, 1))

    assert [first.enter("a"), second.enter("a"), first.enter("a"), third.enter("b")] == [1, 2, 3, 1]
    first.leave("a")
    assert third.enter("a") == 3
    assert len(first) == len(second) == 1


def test_what_a_worker_had_goes_with_it(boards: list[SharedCounters]) -> None:
    first, second = boards[0].in_flight(1), boards[1].in_flight(2)
    for client in ("a", "a", "b"):
        first.enter(client)
    second.enter("b")
    boards[2].clear(1)

    assert (second.enter("a"), second.enter("b")) == (1, 2)
    assert boards[0].in_flight(1).enter("b") == 3


def test_of_many_clients_hardly_one_is_taken_for_another(boards: list[SharedCounters]) -> None:
    first, second = boards[0].in_flight(1), boards[1].in_flight(2)
    for number in range(1000):
        first.enter(f"there-{number}")
    counts = [second.enter(f"here-{number}") for number in range(1000)]

    assert sum(count > 1 for count in counts) <= 10


def connections(board: SharedCounters, number: int, max_connections: int, of_an_address: int = 0) -> SlotPool:
    peers = board.connections(number)
    return SlotPool(Counters(), max_connections=max_connections, max_per_address=of_an_address, peers=peers)


def test_connections_are_bounded_for_the_node(boards: list[SharedCounters]) -> None:
    first, second = connections(boards[0], 1, max_connections=3), connections(boards[1], 2, max_connections=3)
    places = [first.acquire("192.0.2.1"), first.acquire("192.0.2.2"), second.acquire("192.0.2.3")]

    assert second.acquire("192.0.2.4") is first.acquire("192.0.2.4") is OverloadReason.NODE
    assert isinstance(places[0], ConnectionSlot)
    places[0].release()
    assert isinstance(second.acquire("192.0.2.4"), ConnectionSlot)
    assert first.acquire("192.0.2.5") is OverloadReason.NODE


def test_one_that_waits_at_this_worker_makes_room_for_the_node(boards: list[SharedCounters]) -> None:
    first, second = connections(boards[0], 1, max_connections=2), connections(boards[1], 2, max_connections=2)
    waiting, working = first.acquire("192.0.2.1"), second.acquire("192.0.2.2")
    assert isinstance(waiting, ConnectionSlot)
    assert isinstance(working, ConnectionSlot)
    waiting.mark_idle(lambda: True)

    assert isinstance(first.acquire("192.0.2.3"), ConnectionSlot)
    assert second.acquire("192.0.2.3") is OverloadReason.NODE


def test_connections_of_an_address_are_bounded_for_the_node(boards: list[SharedCounters]) -> None:
    first, second = (connections(boards[n - 1], n, max_connections=100, of_an_address=2) for n in (1, 2))
    place = first.acquire("192.0.2.1")
    second.acquire("192.0.2.1")

    assert first.acquire("192.0.2.1") is second.acquire("192.0.2.1") is OverloadReason.ADDRESS
    assert isinstance(second.acquire("192.0.2.2"), ConnectionSlot)
    assert isinstance(place, ConnectionSlot)
    place.release()
    assert isinstance(second.acquire("192.0.2.1"), ConnectionSlot)
