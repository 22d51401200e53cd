from gateway.contract.telemetry import Totals
from gateway.telemetry.counters import Counters


def test_requests_are_the_sum_of_their_outcomes() -> None:
    counters = Counters(admitted=1, refused=20, failed=300, unidentified=4000, malformed=50000)

    assert counters.totals == Totals(4321, 1, 20, 300, 4000)


def test_two_nodes_share_nothing() -> None:
    one, other = Counters(), Counters()
    one.latency.add(1.0)
    one.clients.count("a", refused=False)

    assert other.latency.count == 0
    other.clients.tick()
    assert other.clients.busiest == ()
