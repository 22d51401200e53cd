import pytest

from subject.cluster import metrics
from tests.unit.subject.builders import START, NodeScript, always, cluster, even, snapshot, steps


def test_rates_are_those_of_the_last_ten_seconds() -> None:
    found = cluster(*even(steps((0, 300), (20, 30)), refused=always(2)), seconds=32)

    of_node = metrics.of_node(found, found.node("node-1"))

    assert of_node.rate == pytest.approx(10)
    assert of_node.requests == pytest.approx(100)
    assert of_node.rejection_ratio == pytest.approx(0.2)
    assert metrics.of_cluster(found).rate == pytest.approx(30)


def test_what_policies_in_shadow_would_refuse_is_a_share_of_all() -> None:
    found = cluster(*even(always(30), in_shadow=always(1)), seconds=32)

    assert metrics.of_cluster(found).shadow_ratio == pytest.approx(0.1)
    assert metrics.of_cluster(found).rejection_ratio == 0


def test_a_young_node_has_the_rate_of_the_time_that_it_is_there() -> None:
    found = cluster(NodeScript(requests=always(12)), seconds=3)

    assert metrics.of_node(found, found.node("node-1")).rate == pytest.approx(12)


def test_a_node_that_is_down_has_no_rate() -> None:
    found = snapshot(NodeScript(requests=always(12)).records(20), START + 30)

    assert metrics.of_node(found, found.node("node-1")).rate == 0


def test_latencies_are_none_where_nothing_was_measured() -> None:
    found = cluster(NodeScript(), seconds=5)

    assert metrics.of_node(found, found.node("node-1")).latency_p99_ms is None


def test_latencies_are_read_to_within_their_buckets() -> None:
    found = cluster(NodeScript(requests=always(50), round_trip_ms=always(8)), seconds=5)

    of_node = metrics.of_node(found, found.node("node-1"))

    assert of_node.store_p99_ms == pytest.approx(8, rel=0.1)
    assert of_node.latency_p99_ms == pytest.approx(4, rel=0.1)


def test_cpu_is_the_process_time_per_second() -> None:
    found = cluster(NodeScript(cpu_seconds_per_second=0.71), seconds=15)

    assert metrics.of_node(found, found.node("node-1")).cpu_percent == pytest.approx(71)


def test_a_client_of_several_nodes_is_one_client() -> None:
    found = cluster(
        *even(
            always(30), clients={"acme": always(4), "beta": always(1)}, refused_clients={"acme": always(2)}
        ),
        seconds=20,
    )

    first, second = metrics.of_clients(found)

    assert (first.client, second.client) == ("acme", "beta")
    assert (first.rate, first.refused_rate) == pytest.approx((12, 6))
