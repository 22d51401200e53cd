"""How long a client is waited for, without a clock."""

from math import inf

import pytest

from gateway.proxy.client_timers import (
    CLOSE_TIMEOUT_SECONDS,
    WRITE_CHECK_SECONDS,
    ClientTimeLimits,
    ClientTimeouts,
    TimeoutKind,
)

LIMITS = ClientTimeLimits(
    head_seconds=8.0, body_seconds=10.0, response_seconds=20.0, idle_seconds=75.0, min_bytes_per_second=100.0
)
START = 1000.0


def new() -> ClientTimeouts:
    return ClientTimeouts(LIMITS, START)


def late_at(timeouts: ClientTimeouts, unsent_bytes: int = 0) -> tuple[float, TimeoutKind | None]:
    """When it is to be looked at next, and what is seen then."""
    return timeouts.next_check - START, timeouts.expired(timeouts.next_check, unsent_bytes)


def test_who_connects_and_says_nothing_has_the_time_of_a_head() -> None:
    assert late_at(new()) == (8.0, TimeoutKind.IDLE)


def test_the_first_head_has_its_time_from_the_connection_on_however_it_drips() -> None:
    timeouts = new()
    for second in range(1, 8):
        timeouts.on_head(START + second)

    assert late_at(timeouts) == (8.0, TimeoutKind.HEAD)


def test_a_later_head_has_its_time_from_its_first_byte_on() -> None:
    timeouts = new()
    timeouts.on_complete()
    timeouts.on_idle(START + 50)
    timeouts.on_head(START + 60)
    timeouts.on_head(START + 65)

    assert late_at(timeouts) == (68.0, TimeoutKind.HEAD)


def test_an_idle_connection_has_a_time_of_its_own() -> None:
    timeouts = new()
    timeouts.on_complete()
    timeouts.on_idle(START + 2)

    assert late_at(timeouts) == (77.0, TimeoutKind.IDLE)


def test_while_a_request_is_served_nothing_is_late() -> None:
    timeouts = new()
    timeouts.on_complete()

    assert timeouts.next_check == inf
    assert timeouts.expired(START + 1e9, 0) is None


def test_a_body_may_pause_once_as_long_as_it_may_be_silent() -> None:
    timeouts = new()
    timeouts.on_body_wait(START)

    assert timeouts.expired(START + 9.9, 0) is None
    assert late_at(timeouts) == (10.0, TimeoutKind.BODY)


def test_a_body_that_drips_is_late_sooner_with_each_piece() -> None:
    timeouts = new()
    timeouts.on_body_wait(START)
    for second in range(1, 10):
        timeouts.on_body(START + second, 10)  # a tenth of a second each

    assert timeouts.next_check == pytest.approx(START + 10.9)
    assert late_at(timeouts)[1] is TimeoutKind.BODY


def test_a_body_that_keeps_up_is_never_late() -> None:
    timeouts = new()
    timeouts.on_body_wait(START)
    for second in range(1, 1000):
        assert timeouts.expired(START + second, 0) is None
        timeouts.on_body(START + second, 100)


def test_where_any_rate_will_do_each_byte_gives_all_the_time_back() -> None:
    timeouts = ClientTimeouts(ClientTimeLimits(body_seconds=10.0, min_bytes_per_second=0), START)
    timeouts.on_body_wait(START)
    for time in range(9, 900, 9):
        assert timeouts.expired(START + time, 0) is None
        timeouts.on_body(START + time, 1)

    assert timeouts.next_check == START + 891 + 10


def test_the_time_in_which_no_body_is_taken_does_not_count() -> None:
    timeouts = new()
    timeouts.on_body_wait(START)
    timeouts.on_body_paused(START + 4)
    assert timeouts.next_check == inf
    timeouts.on_body_wait(START + 500)

    assert late_at(timeouts) == (506.0, TimeoutKind.BODY)


def test_a_client_that_takes_nothing_of_an_answer_is_late() -> None:
    timeouts = new()
    timeouts.on_complete()
    timeouts.on_write(START)
    assert late_at(timeouts, 70_000) == (WRITE_CHECK_SECONDS, None)

    assert late_at(timeouts, 70_000) == (WRITE_CHECK_SECONDS + 20, TimeoutKind.RESPONSE)


def test_what_it_takes_gives_time_back() -> None:
    timeouts = new()
    timeouts.on_complete()
    timeouts.on_write(START)
    timeouts.expired(timeouts.next_check, 70_000)
    assert late_at(timeouts, 70_000 - 500) == (WRITE_CHECK_SECONDS + 20, None)

    assert late_at(timeouts, 70_000 - 500) == (WRITE_CHECK_SECONDS + 20 + 5, TimeoutKind.RESPONSE)


def test_a_client_that_takes_enough_is_waited_for_for_ever() -> None:
    timeouts = new()
    timeouts.on_complete()
    timeouts.on_write(START)
    for unsent in range(1_000_000, 0, -2000):
        assert timeouts.expired(timeouts.next_check, unsent) is None
    timeouts.on_drained()

    assert timeouts.next_check == inf


def test_one_that_takes_crumbs_is_not_looked_at_all_the_time() -> None:
    timeouts = new()
    timeouts.on_complete()
    timeouts.on_write(START)
    unsent, looks, late = 1_000_000, 0, None
    while late is None:
        before = timeouts.next_check
        unsent, looks, late = unsent - 10, looks + 1, timeouts.expired(timeouts.next_check, unsent)
        assert late is not None or timeouts.next_check >= before + WRITE_CHECK_SECONDS

    assert looks < 10


def test_a_client_that_was_too_slow_has_a_while_to_hear_of_it() -> None:
    timeouts = new()
    timeouts.on_body_wait(START)
    timeouts.on_write(START)
    timeouts.on_close(START + 10)

    assert late_at(timeouts) == (10 + CLOSE_TIMEOUT_SECONDS, TimeoutKind.CLOSING)
