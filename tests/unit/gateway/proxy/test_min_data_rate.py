from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.client_timers import MIN_BYTES_PER_SECOND, MinDataRate

SILENCE_SECONDS = 30.0
SIZES = st.integers(1, 100_000)
PIECES = st.lists(st.tuples(st.floats(0.0, 1.0), SIZES), max_size=50)


def test_a_body_may_pause_once_as_long_as_it_may_be_silent() -> None:
    assert MinDataRate(SILENCE_SECONDS).budget_seconds == SILENCE_SECONDS


def test_one_that_drips_is_waited_for_less_and_less() -> None:
    rate = MinDataRate(SILENCE_SECONDS)
    rate.on_wait(29.0, 1)

    assert 1.0 < rate.budget_seconds < 1.01


@given(PIECES)
def test_all_waiting_is_bounded_by_what_came(pieces: list[tuple[float, int]]) -> None:
    """Of each piece a share of what is left is on_wait for."""
    rate = MinDataRate(SILENCE_SECONDS)
    on_wait = 0.0
    for share, size in pieces:
        seconds = share * rate.budget_seconds
        rate.on_wait(seconds, size)
        on_wait += seconds

    came = sum(size for _, size in pieces)
    assert on_wait <= SILENCE_SECONDS + came / MIN_BYTES_PER_SECOND + 1e-6


@given(st.lists(SIZES, max_size=50))
def test_one_that_keeps_up_may_pause_at_any_time(sizes: list[int]) -> None:
    rate = MinDataRate(SILENCE_SECONDS)
    for size in sizes:
        rate.on_wait(min(SILENCE_SECONDS, size / MIN_BYTES_PER_SECOND), size)
        assert rate.budget_seconds > SILENCE_SECONDS - 1e-6


@given(PIECES)
def test_what_came_in_a_rush_gives_no_right_to_drip_later(pieces: list[tuple[float, int]]) -> None:
    rate = MinDataRate(SILENCE_SECONDS)
    for share, size in pieces:
        rate.on_wait(share * rate.budget_seconds, size)

    assert 0.0 <= rate.budget_seconds <= SILENCE_SECONDS
