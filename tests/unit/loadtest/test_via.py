"""Who has passed an answer on."""

from loadtest.via import hops


def test_each_hop_is_named_also_where_a_proxy_names_itself() -> None:
    assert hops(["1.1 node-1"]) == {"node-1"}
    assert hops(["1.0 fred, 1.1 node-2 (a gateway)", "2 cdn"]) == {"fred", "node-2", "cdn"}
    assert hops([]) == hops(["", "1.1"]) == set()
