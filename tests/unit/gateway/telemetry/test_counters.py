from gateway.contract.telemetry import Totals
from gateway.telemetry.counters import Counters


def test_requests_are_the_sum_of_their_outcomes() -> None:
    counters = Counters(admitted=1, refused=20, failed=300, unidentified=4000, malformed=50000)

    assert counters.totals == Totals(4321, 1, 20, 300, 4000)


def test_who_is_denied_and_who_shadow_would_refuse_are_parts_of_other_outcomes() -> None:
    counters = Counters(admitted=10, refused=5, denied=2, shadow_refused=3)

    assert counters.totals == Totals(15, 10, 5, denied=2, shadow_refused=3)


def test_two_nodes_share_nothing() -> None:
    one, other = Counters(), Counters()
    one.latency.add(1.0)
    one.clients.count("a", refused=False)

    assert other.latency.count == 0
    other.clients.tick()
    assert other.clients.busiest == ()
