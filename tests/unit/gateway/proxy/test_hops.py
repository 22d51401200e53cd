import pytest

from gateway.http.fields import Fields
from gateway.http.forwarded import MaxForwardsError, decrement_max_forwards, is_loop, remaining_forwards, via


def test_a_node_names_itself_and_what_it_received() -> None:
    assert via((1, 0), "node-1") == (b"Via", b"1.0 node-1")


PASSED: dict[bytes, bool] = {
    b"1.1 node-1": True,
    b"1.1 NODE-1": True,
    b"HTTP/1.1 node-1 (a comment)": True,
    b"1.0 edge, 1.1 node-1,1.1 other": True,
    b"1.1\tnode-1": True,
    b"1.1 node-10": False,
    b"1.1 node": False,
    b"node-1": False,
    b"1.1 other (node-1)": False,
    b"1.1 node-1:80": False,
    b"": False,
}


@pytest.mark.parametrize(("value", "passed"), PASSED.items())
def test_a_message_that_has_been_here_is_known_by_its_via(value: bytes, passed: bool) -> None:
    assert is_loop([(b"X", b"1.1 node-1"), (b"viA", b"1.1 first"), (b"VIA", value)], "Node-1") is passed


def forwards(*values: bytes) -> Fields:
    return [(b"A", b"9"), *((b"max-FORWARDS", value) for value in values)]


@pytest.mark.parametrize(
    ("value", "left"),
    [(b"0", 0), (b"7", 7), (b"007", 7), (b"000", 0), (b"9" * 9, 10**9 - 1), (b"9" * 5000, 10**9 - 1)],
)
def test_the_hops_that_are_left_are_read(value: bytes, left: int) -> None:
    assert remaining_forwards("OPTIONS", forwards(value)) == left


def test_without_the_field_a_request_may_go_as_far_as_it_likes() -> None:
    assert remaining_forwards("OPTIONS", forwards()) is None


@pytest.mark.parametrize("values", [[b""], [b"-1"], [b"+1"], [b"1, 2"], [b"1", b"1"], [b"a"], [b"\xb2"]])
def test_what_is_not_one_number_is_no_such_field(values: list[bytes]) -> None:
    with pytest.raises(MaxForwardsError):
        remaining_forwards("OPTIONS", forwards(*values))


@pytest.mark.parametrize("values", [[b"0"], [b"a"], [b"1", b"1"]])
def test_of_other_methods_it_is_not_looked_at(values: list[bytes]) -> None:
    assert remaining_forwards("GET", forwards(*values)) is None


def test_one_hop_less_is_told_in_the_same_place() -> None:
    assert decrement_max_forwards([*forwards(b"7"), (b"B", b"7")], 7) == [*forwards(b"6"), (b"B", b"7")]
