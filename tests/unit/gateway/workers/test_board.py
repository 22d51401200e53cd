"""Three workers in one process: each sees its own board, of the same memory."""

import os
from collections.abc import Iterator

import pytest

from gateway.connections import Connections, Full, Place
from gateway.telemetry.counters import Counters
from gateway.workers.board import Board, blank

WORKERS = 3


@pytest.fixture
def boards() -> Iterator[list[Board]]:
    descriptor = blank(WORKERS)
    yield [Board(descriptor, WORKERS, b"secret") for _ in range(WORKERS)]
    os.close(descriptor)


def test_requests_in_flight_are_those_of_all_workers(boards: list[Board]) -> None:
    first, second, third = (board.in_flight(number) for number, board in enumerate(boards, 1))

    assert [first.enter("a"), second.enter("a"), first.enter("a"), third.enter("b")] == [1, 2, 3, 1]
    first.leave("a")
    assert third.enter("a") == 3
    assert len(first) == len(second) == 1


def test_what_a_worker_had_goes_with_it(boards: list[Board]) -> None:
    first, second = boards[0].in_flight(1), boards[1].in_flight(2)
    for client in ("a", "a", "b"):
        first.enter(client)
    second.enter("b")
    boards[2].wipe(1)

    assert (second.enter("a"), second.enter("b")) == (1, 2)
    assert boards[0].in_flight(1).enter("b") == 3


def test_of_many_clients_hardly_one_is_taken_for_another(boards: list[Board]) -> None:
    first, second = boards[0].in_flight(1), boards[1].in_flight(2)
    for number in range(1000):
        first.enter(f"there-{number}")
    counts = [second.enter(f"here-{number}") for number in range(1000)]

    assert sum(count > 1 for count in counts) <= 10


def connections(board: Board, number: int, most: int, of_an_address: int = 0) -> Connections:
    elsewhere = board.connections(number)
    return Connections(Counters(), most=most, most_of_an_address=of_an_address, elsewhere=elsewhere)


def test_connections_are_bounded_for_the_node(boards: list[Board]) -> None:
    first, second = connections(boards[0], 1, most=3), connections(boards[1], 2, most=3)
    places = [first.take("192.0.2.1"), first.take("192.0.2.2"), second.take("192.0.2.3")]

    assert second.take("192.0.2.4") is first.take("192.0.2.4") is Full.NODE
    assert isinstance(places[0], Place)
    places[0].leave()
    assert isinstance(second.take("192.0.2.4"), Place)
    assert first.take("192.0.2.5") is Full.NODE


def test_one_that_waits_at_this_worker_makes_room_for_the_node(boards: list[Board]) -> None:
    first, second = connections(boards[0], 1, most=2), connections(boards[1], 2, most=2)
    waiting, working = first.take("192.0.2.1"), second.take("192.0.2.2")
    assert isinstance(waiting, Place)
    assert isinstance(working, Place)
    waiting.waits(lambda: True)

    assert isinstance(first.take("192.0.2.3"), Place)
    assert second.take("192.0.2.3") is Full.NODE


def test_connections_of_an_address_are_bounded_for_the_node(boards: list[Board]) -> None:
    first, second = (connections(boards[n - 1], n, most=100, of_an_address=2) for n in (1, 2))
    place = first.take("192.0.2.1")
    second.take("192.0.2.1")

    assert first.take("192.0.2.1") is second.take("192.0.2.1") is Full.ADDRESS
    assert isinstance(second.take("192.0.2.2"), Place)
    assert isinstance(place, Place)
    place.leave()
    assert isinstance(second.take("192.0.2.1"), Place)
