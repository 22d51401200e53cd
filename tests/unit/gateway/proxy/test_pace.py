from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.pace import LEAST_BYTES_PER_SECOND, Pace

SILENCE_SECONDS = 30.0
SIZES = st.integers(1, 100_000)
PIECES = st.lists(st.tuples(st.floats(0.0, 1.0), SIZES), max_size=50)


def test_a_body_may_pause_once_as_long_as_it_may_be_silent() -> None:
    assert Pace(SILENCE_SECONDS).patience_seconds == SILENCE_SECONDS


def test_one_that_drips_is_waited_for_less_and_less() -> None:
    pace = Pace(SILENCE_SECONDS)
    pace.waited(29.0, 1)

    assert 1.0 < pace.patience_seconds < 1.01


@given(PIECES)
def test_all_waiting_is_bounded_by_what_came(pieces: list[tuple[float, int]]) -> None:
    """Of each piece a share of what is left is waited for."""
    pace = Pace(SILENCE_SECONDS)
    waited = 0.0
    for share, size in pieces:
        seconds = share * pace.patience_seconds
        pace.waited(seconds, size)
        waited += seconds

    came = sum(size for _, size in pieces)
    assert waited <= SILENCE_SECONDS + came / LEAST_BYTES_PER_SECOND + 1e-6


@given(st.lists(SIZES, max_size=50))
def test_one_that_keeps_up_may_pause_at_any_time(sizes: list[int]) -> None:
    pace = Pace(SILENCE_SECONDS)
    for size in sizes:
        pace.waited(min(SILENCE_SECONDS, size / LEAST_BYTES_PER_SECOND), size)
        assert pace.patience_seconds > SILENCE_SECONDS - 1e-6


@given(PIECES)
def test_what_came_in_a_rush_gives_no_right_to_drip_later(pieces: list[tuple[float, int]]) -> None:
    pace = Pace(SILENCE_SECONDS)
    for share, size in pieces:
        pace.waited(share * pace.patience_seconds, size)

    assert 0.0 <= pace.patience_seconds <= SILENCE_SECONDS
