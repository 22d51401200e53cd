"""Why there is more traffic than usual, or less, or of others."""

from tests.unit.subject.builders import always, cluster, even, steps
from tests.unit.subject.causes.told import causes
from tests.unit.subject.scenes import flooded


def test_a_big_client_that_stops_is_the_drop() -> None:
    big, rest = steps((0, 36), (50, 0)), {f"client-{n}": always(1) for n in range(3)}
    nodes = even(lambda second: 3 * (big(second) + 1), clients={"acme": big, **rest})
    first = causes("traffic_drop", cluster(*nodes, seconds=60))[0]

    assert first.text == "a big client that stopped"
    assert any(told.startswith("acme sends 105 a second less") for told in first.speaks_for)


def test_a_broad_spike_is_new_users_or_the_old_ones() -> None:
    clients = {f"client-{n}": steps((0, 1), (60, 5)) for n in range(18)}
    old = cluster(*even(steps((0, 54), (60, 270)), clients=clients), seconds=66)

    assert "job or a deployment" in causes("spike_broad", old)[0].text


def test_fresh_keys_that_each_ask_once_are_made_up() -> None:
    assert "makes up keys" in causes("cardinality_attack", cluster(*flooded(always(70)), seconds=58))[0].text
