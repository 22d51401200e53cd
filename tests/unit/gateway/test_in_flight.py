from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.concurrency import InFlight


def test_each_client_is_counted_by_itself() -> None:
    in_flight = InFlight()

    assert [in_flight.enter(client) for client in "aabab"] == [1, 2, 1, 3, 2]
    in_flight.leave("a")
    assert in_flight.enter("a") == 3


@given(st.lists(st.sampled_from("abc")))
def test_a_client_with_nothing_in_flight_takes_no_room(clients: list[str]) -> None:
    in_flight = InFlight()
    for client in clients:
        in_flight.enter(client)
    assert len(in_flight) == len(set(clients))
    for client in reversed(clients):
        in_flight.leave(client)
    assert len(in_flight) == 0
