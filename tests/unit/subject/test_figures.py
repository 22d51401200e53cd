import time

import pytest

from subject.figures import clock, number, percent
from tests.unit.subject.builders import START


def test_numbers_are_short() -> None:
    assert [number(value) for value in (0.0, 5.04, 96.4, 12345)] == ["0.0", "5.0", "96", "12,345"]
    assert percent(0.8) == "80 %"


def test_a_time_of_day_does_not_depend_on_where_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert clock(START) == "22:13:20Z"
    finally:
        monkeypatch.undo()
        time.tzset()
