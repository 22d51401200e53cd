import pytest

from subject.output.printable import printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node-1 – 3 ms", "node-1 – 3 ms"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x9b\u202e\udcff", r"\x9b\u202e\udcff"),
    ],
)
def test_what_is_not_printable_is_its_escape(text: str, expected: str) -> None:
    assert printable(text) == expected
