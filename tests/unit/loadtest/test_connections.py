"""How many connections a load takes."""

from loadtest.connections import LEAST, SHRINK_SECONDS, Connections


def test_no_load_has_the_least() -> None:
    assert Connections(most=100).needed(0.0, 0, 0, now=0.0) == LEAST


def test_they_grow_at_once_with_the_load_and_with_what_is_under_way_or_waits() -> None:
    connections = Connections(most=1000)
    by_rate = connections.needed(200.0, 0, 0, now=0.0)
    slow = connections.needed(200.0, under_way=by_rate, waiting=150, now=1.0)
    assert LEAST < by_rate < 200
    assert slow == 2 * by_rate + 150


def test_they_are_never_more_than_the_most() -> None:
    assert Connections(most=50).needed(1000.0, 50, 500, now=0.0) == 50


def test_they_shrink_only_where_half_of_them_were_enough_for_a_while() -> None:
    connections = Connections(most=1000)
    high = connections.needed(500.0, 0, 0, now=0.0)
    assert connections.needed(300.0, 0, 0, now=100.0) == high
    assert connections.needed(50.0, 0, 0, now=101.0) == high
    assert connections.needed(450.0, 0, 0, now=105.0) == high
    assert connections.needed(50.0, 0, 0, now=106.0) == high
    assert connections.needed(50.0, 0, 0, now=106.0 + SHRINK_SECONDS - 1) == high
    assert connections.needed(50.0, 0, 0, now=106.0 + SHRINK_SECONDS) == 15
