import pytest

from subject.detectors.onset import Held, Sums, enough, lowered, raised, run, since


def above(*strengths: float) -> Held:
    """Of what is asked, so much is there at each place."""
    return lambda place, part: strengths[place] >= part


def test_what_was_found_goes_on_while_a_part_of_it_is_left() -> None:
    assert raised(4, 0, above(0.8, 1.0, 0.8, 1.2, 0.8), 0.7) == 1


def test_what_has_never_been_all_there_was_not_found() -> None:
    assert raised(3, 0, above(0.8, 0.9, 0.9, 0.8), 0.7) is None


def test_it_is_over_once_less_than_the_part_was_left() -> None:
    assert raised(3, 0, above(1.0, 0.6, 0.9, 0.9), 0.7) is None
    assert raised(3, 0, above(1.0, 0.6, 0.9, 1.0), 0.7) == 3


def test_it_looks_no_further_back_than_the_first_place() -> None:
    assert raised(3, 2, above(1.0, 1.0, 0.9, 1.0), 0.7) == 3
    assert raised(-1, 0, above(), 0.7) is None


def test_since_when_is_where_it_was_found_and_then_over_seconds_that_show_it() -> None:
    def began(held: Held) -> int | None:
        return since(20, first=0, held=held, shows=lambda second: second >= 12, window=10, part=0.7)

    assert began(above(*[0.0] * 15, *[1.0] * 6)) == 12
    assert began(above(*[0.0] * 21)) is None


@pytest.mark.parametrize(("first", "window", "expected"), [(0, 4, 12), (17, 5, 13)])
def test_it_goes_no_further_back_than_a_window_and_the_first_place(
    first: int, window: int, expected: int
) -> None:
    held = above(*[0.0] * 15, *[1.0] * 6)

    assert since(20, first=first, held=held, shows=lambda _: True, window=window, part=0.7) == expected


def test_a_run_goes_over_gaps_of_the_size_that_is_told() -> None:
    so = {3, 4, 6, 7, 10}.__contains__

    assert [run(10, so, gap=gap) for gap in (0, 1, 2, 3)] == [10, 10, 3, 3]
    assert [run(7, so, first=first, gap=1) for first in (0, 4, 7)] == [3, 4, 7]


def test_counts_are_rounded_and_ratios_lowered_towards_what_is_neutral() -> None:
    assert [enough(count, 20, 1.0) for count in (19.4, 19.5)] == [False, True]
    assert [enough(count, 20, 0.7) for count in (13.4, 13.5)] == [False, True]
    assert lowered(1.5, 1.0, 0.7) == pytest.approx(1.35)


def test_sums_are_those_of_the_window_as_far_as_there_is_one() -> None:
    sums = Sums([1, 2, 3, 4], 2)

    assert [sums(place) for place in range(4)] == [1, 3, 5, 7]
