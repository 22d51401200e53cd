from subject.detectors.onset import since


def test_it_goes_back_while_the_window_held_and_then_over_seconds_that_show_it() -> None:
    assert since(20, 0, lambda second: second >= 15, lambda second: second >= 12, window_seconds=10) == 12


def test_it_goes_no_further_back_than_a_window() -> None:
    assert since(20, 0, lambda second: second >= 15, lambda _: True, window_seconds=4) == 12


def test_it_goes_no_further_back_than_the_first_second() -> None:
    assert since(20, 7, lambda _: True, lambda _: True, window_seconds=4) == 7
