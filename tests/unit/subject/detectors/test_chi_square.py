import pytest

from subject.detectors.chi_square import chance_if_alike, chance_if_even, survival


@pytest.mark.parametrize(
    ("x", "degrees", "expected"),
    [
        (3.841, 1, 0.05),
        (5.991, 2, 0.05),
        (7.815, 3, 0.05),
        (18.307, 10, 0.05),
        (27.63, 2, 1e-6),
        (42.31, 29, 0.053),
    ],
)
def test_the_tables_of_the_textbooks(x: float, degrees: int, expected: float) -> None:
    assert survival(x, degrees) == pytest.approx(expected, rel=0.02)


def test_even_counts_are_certain_and_absurd_ones_impossible() -> None:
    assert chance_if_even([40, 40, 40]) == 1
    assert chance_if_even([1e6, 0, 0]) == 0


def test_nothing_to_compare_is_certain() -> None:
    assert chance_if_even([]) == chance_if_even([5]) == chance_if_even([0, 0]) == 1


def test_counts_are_held_against_what_they_are_of() -> None:
    assert chance_if_alike([5, 30, 25], [1, 1, 1]) == chance_if_even([5, 30, 25])
    assert chance_if_alike([10, 20, 30], [100, 200, 300]) == 1
    assert chance_if_alike([30, 20, 10], [100, 200, 300]) < 1e-3
    assert chance_if_alike([10, 0], [100, 0]) == chance_if_alike([0, 0], [1, 1]) == 1
