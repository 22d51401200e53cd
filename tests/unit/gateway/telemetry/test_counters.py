from collections import Counter

from gateway.contract.records import Totals
from gateway.proxy.client_timers import TimeoutKind
from gateway.telemetry.counters import Counters, Outcome


def test_requests_are_the_sum_of_their_outcomes() -> None:
    counts = {
        Outcome.ADMITTED: 1,
        Outcome.REFUSED: 20,
        Outcome.FAILED: 300,
        Outcome.UNIDENTIFIED: 4000,
        Outcome.MALFORMED: 50000,
    }
    counters = Counters(Counter(counts))

    assert counters.totals == Totals(4321, 1, 20, 300, 4000)


def test_who_is_denied_and_who_shadow_would_refuse_are_parts_of_other_outcomes() -> None:
    counts = {Outcome.ADMITTED: 10, Outcome.REFUSED: 5}
    counters = Counters(Counter(counts), denied=2, shadow_refused=3)

    assert counters.totals == Totals(15, 10, 5, denied=2, shadow_refused=3)


def test_two_nodes_share_nothing() -> None:
    one, other = Counters(), Counters()
    one.latency.add(1.0)
    one.clients.count("a", refused=False)

    assert other.latency.count == 0
    other.clients.tick()
    assert other.clients.busiest == ()


def test_every_way_to_be_too_slow_is_counted_from_nought() -> None:
    counters = Counters()
    ways = set(TimeoutKind) - {TimeoutKind.CLOSING}  # who is told so has been counted

    assert counters.late == dict.fromkeys(ways, 0)
    counters.count_late(TimeoutKind.HEAD)
    assert counters.late["head"] == 1
