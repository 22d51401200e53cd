"""When Redis is asked again after it failed."""

from gateway.limiter.store import MAX_PROBES, MEMORY_SECONDS, Breaker


def probes_until_closed(breaker: Breaker) -> int:
    """How many successes in a row it takes."""
    for probes in range(100):
        if breaker.is_closed:
            return probes
        breaker.succeeded()
    raise AssertionError("it never closes")


def test_it_is_closed_at_first() -> None:
    assert Breaker().is_closed


def test_one_success_is_enough_after_a_first_failure() -> None:
    breaker = Breaker()
    breaker.failed(0.0)
    assert not breaker.is_closed
    assert probes_until_closed(breaker) == 1


def test_each_further_failure_asks_for_a_long_row_of_successes() -> None:
    breaker = Breaker()
    needed = []
    for second in range(6):
        breaker.failed(float(second))
        needed.append(probes_until_closed(breaker))
    assert needed == [1] + 5 * [MAX_PROBES]


def test_a_failure_among_the_probes_starts_their_row_anew() -> None:
    breaker = Breaker()
    for second in (0.0, 1.0, 2.0):
        breaker.failed(second)
        if second < 2:
            probes_until_closed(breaker)
    for _ in range(3):
        breaker.succeeded()
    breaker.failed(3.0)
    assert probes_until_closed(breaker) == MAX_PROBES


def test_failures_while_it_is_open_are_those_of_the_same_outage() -> None:
    breaker = Breaker()
    for second in range(20):
        breaker.failed(float(second))
    assert probes_until_closed(breaker) == 1


def test_failures_of_long_ago_are_forgotten() -> None:
    breaker = Breaker()
    for second in (0.0, 1.0, 2.0):
        breaker.failed(second)
        probes_until_closed(breaker)
    breaker.failed(2.0 + MEMORY_SECONDS + 0.1)
    assert probes_until_closed(breaker) == 1


def test_a_success_while_it_is_closed_is_no_credit() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.succeeded()
    breaker.failed(0.0)
    assert not breaker.is_closed
