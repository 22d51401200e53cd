"""Loads, and what is drawn from them."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.records import decode, encode
from loadtest import load as loads
from loadtest.load import Load, Requests, Stream

TWO_STREAMS = Load((Stream(60.0, ("a",), (1, 1, 4)), Stream(30.0, ("b", "c"))))

streams = st.builds(
    Stream,
    rate_per_second=st.floats(0, 1e6),
    keys=st.lists(st.text(min_size=1)).map(tuple),
    node_weights=st.lists(st.floats(0, 1e3)).map(tuple),
    burst=st.integers(1, 20),
)


@given(st.builds(Load, streams=st.lists(streams).map(tuple)))
def test_a_load_survives_its_file(load: Load) -> None:
    assert decode(Load, encode(load)) == load


def test_streams_add_up() -> None:
    assert TWO_STREAMS.rate_per_second == 90.0


def test_requests_follow_rates_weights_and_keys() -> None:
    requests = Requests(TWO_STREAMS, 3, Random(1))
    drawn = [requests.draw() for _ in range(9000)]
    nodes = Counter(request.node for request in drawn)
    keys = Counter(request.key for request in drawn)
    assert [nodes[node] / 100 for node in range(3)] == pytest.approx([20, 20, 50], abs=3)
    assert [keys[key] / 100 for key in "abc"] == pytest.approx([60, 15, 15], abs=3)


def test_gaps_have_the_mean_that_the_rate_asks_for() -> None:
    requests = Requests(TWO_STREAMS, 3, Random(1))
    gaps = [requests.gap_seconds() for _ in range(20_000)]
    assert sum(gaps) / len(gaps) == pytest.approx(1 / 90, rel=0.05)


def test_a_burst_is_of_one_client_and_at_once_and_the_rate_is_the_same() -> None:
    requests = Requests(Load((Stream(50.0, ("a", "b", "c"), burst=5),)), 3, Random(1))
    drawn = [(requests.draw().key, requests.gap_seconds()) for _ in range(20_000)]
    bursts = [drawn[start : start + 5] for start in range(0, len(drawn), 5)]
    assert all(len({key for key, _ in burst}) == 1 for burst in bursts)
    assert all([gap > 0 for _, gap in burst] == [False] * 4 + [True] for burst in bursts)
    assert sum(gap for _, gap in drawn) / len(drawn) == pytest.approx(1 / 50, rel=0.05)


def test_a_stream_without_keys_has_a_new_one_for_each_request() -> None:
    requests = Requests(Load((Stream(1.0, ()),)), 3, Random(1))
    assert len({requests.draw().key for _ in range(1000)}) == 1000


def test_nothing_is_sent_when_idle() -> None:
    assert Requests(loads.IDLE, 3, Random(1)).gap_seconds() == float("inf")


def test_a_node_of_weight_zero_gets_nothing() -> None:
    requests = Requests(Load((Stream(1.0, ("a",), (0, 1, 0)),)), 3, Random(1))
    assert {requests.draw().node for _ in range(100)} == {1}
