import pytest

from subject.output.sparkline import sparkline


@pytest.mark.parametrize(
    ("values", "highest", "line"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], 7, "▁▂▃▄▅▆▇█"),
        ([None, 0, 100], 100, " ▁█"),
        ([1, 1000], 1000, "▂█"),
        ([0, 0], 0, "▁▁"),
        ([9], 3, "█"),
        ([], 5, ""),
    ],
)
def test_a_bar_for_each_value(values: list[float | None], highest: float, line: str) -> None:
    assert sparkline(values, highest) == line
