"""How long a client is waited for, without a clock."""

from math import inf

import pytest

from gateway.proxy.patience import LOOK_SECONDS, PARTING_SECONDS, Late, Patience, TimeLimits

LIMITS = TimeLimits(
    head_seconds=8.0, body_seconds=10.0, answer_seconds=20.0, idle_seconds=75.0, least_bytes_per_second=100.0
)
START = 1000.0


def new() -> Patience:
    return Patience(LIMITS, START)


def late_at(patience: Patience, unsent_bytes: int = 0) -> tuple[float, Late | None]:
    """When it is to be looked at next, and what is seen then."""
    return patience.until - START, patience.look(patience.until, unsent_bytes)


def test_who_connects_and_says_nothing_has_the_time_of_a_head() -> None:
    assert late_at(new()) == (8.0, Late.IDLE)


def test_the_first_head_has_its_time_from_the_connection_on_however_it_drips() -> None:
    patience = new()
    for second in range(1, 8):
        patience.begins(START + second)

    assert late_at(patience) == (8.0, Late.HEAD)


def test_a_later_head_has_its_time_from_its_first_byte_on() -> None:
    patience = new()
    patience.has_all()
    patience.idles(START + 50)
    patience.begins(START + 60)
    patience.begins(START + 65)

    assert late_at(patience) == (68.0, Late.HEAD)


def test_an_idle_connection_has_a_time_of_its_own() -> None:
    patience = new()
    patience.has_all()
    patience.idles(START + 2)

    assert late_at(patience) == (77.0, Late.IDLE)


def test_while_a_request_is_served_nothing_is_late() -> None:
    patience = new()
    patience.has_all()

    assert patience.until == inf
    assert patience.look(START + 1e9, 0) is None


def test_a_body_may_pause_once_as_long_as_it_may_be_silent() -> None:
    patience = new()
    patience.awaits_body(START)

    assert patience.look(START + 9.9, 0) is None
    assert late_at(patience) == (10.0, Late.BODY)


def test_a_body_that_drips_is_late_sooner_with_each_piece() -> None:
    patience = new()
    patience.awaits_body(START)
    for second in range(1, 10):
        patience.takes_body(START + second, 10)  # a tenth of a second each

    assert patience.until == pytest.approx(START + 10.9)
    assert late_at(patience)[1] is Late.BODY


def test_a_body_that_keeps_up_is_never_late() -> None:
    patience = new()
    patience.awaits_body(START)
    for second in range(1, 1000):
        assert patience.look(START + second, 0) is None
        patience.takes_body(START + second, 100)


def test_where_any_rate_will_do_each_byte_gives_all_the_time_back() -> None:
    patience = Patience(TimeLimits(body_seconds=10.0, least_bytes_per_second=0), START)
    patience.awaits_body(START)
    for time in range(9, 900, 9):
        assert patience.look(START + time, 0) is None
        patience.takes_body(START + time, 1)

    assert patience.until == START + 891 + 10


def test_the_time_in_which_no_body_is_taken_does_not_count() -> None:
    patience = new()
    patience.awaits_body(START)
    patience.holds_body(START + 4)
    assert patience.until == inf
    patience.awaits_body(START + 500)

    assert late_at(patience) == (506.0, Late.BODY)


def test_a_client_that_takes_nothing_of_an_answer_is_late() -> None:
    patience = new()
    patience.has_all()
    patience.sends(START)
    assert late_at(patience, 70_000) == (LOOK_SECONDS, None)

    assert late_at(patience, 70_000) == (LOOK_SECONDS + 20, Late.ANSWER)


def test_what_it_takes_gives_time_back() -> None:
    patience = new()
    patience.has_all()
    patience.sends(START)
    patience.look(patience.until, 70_000)
    assert late_at(patience, 70_000 - 500) == (LOOK_SECONDS + 20, None)

    assert late_at(patience, 70_000 - 500) == (LOOK_SECONDS + 20 + 5, Late.ANSWER)


def test_a_client_that_takes_enough_is_waited_for_for_ever() -> None:
    patience = new()
    patience.has_all()
    patience.sends(START)
    for unsent in range(1_000_000, 0, -2000):
        assert patience.look(patience.until, unsent) is None
    patience.has_sent()

    assert patience.until == inf


def test_one_that_takes_crumbs_is_not_looked_at_all_the_time() -> None:
    patience = new()
    patience.has_all()
    patience.sends(START)
    unsent, looks, late = 1_000_000, 0, None
    while late is None:
        before = patience.until
        unsent, looks, late = unsent - 10, looks + 1, patience.look(patience.until, unsent)
        assert late is not None or patience.until >= before + LOOK_SECONDS

    assert looks < 10


def test_a_client_that_was_too_slow_has_a_while_to_hear_of_it() -> None:
    patience = new()
    patience.awaits_body(START)
    patience.sends(START)
    patience.parts(START + 10)

    assert late_at(patience) == (10 + PARTING_SECONDS, Late.PARTING)
