from gateway.contract.records import ClientCount
from subject.cluster import gains as listed


def gains(
    earlier: list[ClientCount], later: list[ClientCount], at_most: int = 100_000, **known: int
) -> dict[str, int]:
    """`known`: units of clients when they were last listed, before the earlier list."""
    before = {client: ClientCount(client, units, 0) for client, units in known.items()}
    return listed.gains({**before, **{entry.client: entry for entry in earlier}}, earlier, later, at_most)


def test_gains_of_clients_that_both_lists_have_are_exact() -> None:
    earlier = [ClientCount("acme", 100, 5), ClientCount("beta", 50, 0)]
    later = [ClientCount("acme", 130, 5), ClientCount("beta", 50, 0)]

    assert gains(earlier, later) == {"acme": 30}


def test_a_client_that_was_taken_into_the_sketch_again_gains_what_was_counted_since() -> None:
    assert gains([ClientCount("acme", 100, 5)], [ClientCount("acme", 140, 120)]) == {"acme": 20}


def test_a_new_client_counts_at_once_where_the_list_had_room() -> None:
    earlier = [ClientCount("acme", 100, 0)]
    later = [ClientCount("acme", 100, 0), ClientCount("beta", 9, 0)]

    assert gains(earlier, later) == {"beta": 9}


FULL = [ClientCount("acme", 100, 0), ClientCount("beta", 50, 0)]
OLD_IS_BACK = [ClientCount("acme", 110, 0), ClientCount("old", 90_000, 0)]


def test_a_client_that_comes_back_into_a_full_list_gains_what_it_has_more_than_when_it_was_last_there() -> (
    None
):
    assert gains(FULL, OLD_IS_BACK, old=89_940) == {"acme": 10, "old": 60}


def test_its_past_does_not_count_beyond_what_the_others_leave() -> None:
    assert gains(FULL, OLD_IS_BACK, at_most=25) == {"acme": 10, "old": 15}


def test_several_that_come_back_share_what_is_left() -> None:
    later = [ClientCount("old", 90_000, 0), ClientCount("new", 6, 0)]

    assert gains(FULL, later, at_most=20) == {"new": 6, "old": 14}
