from subject.detectors.onset import run, since


def test_it_goes_back_while_the_window_held_and_then_over_seconds_that_show_it() -> None:
    assert since(20, 0, lambda second: second >= 15, lambda second: second >= 12, window=10) == 12


def test_it_goes_no_further_back_than_a_window() -> None:
    assert since(20, 0, lambda second: second >= 15, lambda _: True, window=4) == 12


def test_it_goes_no_further_back_than_the_first_second() -> None:
    assert since(20, 7, lambda _: True, lambda _: True, window=4) == 7


def test_a_run_goes_over_gaps_of_the_size_that_is_told() -> None:
    so = {3, 4, 6, 7, 10}.__contains__

    assert [run(10, so, gap=gap) for gap in (0, 1, 2, 3)] == [10, 10, 3, 3]
    assert [run(7, so, first=first, gap=1) for first in (0, 4, 7)] == [3, 4, 7]
