import pytest

from subject.durations import parse_duration
from subject.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("90s", 90), ("10m", 600), (" 2h ", 7200), ("7d", 604_800), ("366d", 31_622_400)],
)
def test_a_duration_is_a_whole_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "10", "m", "1.5h", "-1m", "1h30m", "10 m", "10M", "1w", "٣m", "9" * 5000 + "s", "sk-secret-4711"],
)
def test_nonsense_is_refused_with_what_would_be_right_and_not_repeated(text: str) -> None:
    with pytest.raises(
        UsageError, match="write a whole number and s, m, h or d, as in 30s, 10m or 2h"
    ) as caught:
        parse_duration(text)
    assert len(text) <= 5 or text not in str(caught.value)


@pytest.mark.parametrize("text", ["0s", "0d", "367d", "999999999d"])
def test_nothing_and_more_than_a_year_are_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match="between 1s and 366d"):
        parse_duration(text)
