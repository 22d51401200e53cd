import pytest

from gateway.contract.limits import LimitSyntaxError, parse_limits
from subject.actions.limit_hints import hint


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("500/min", "500/m"),
        ("500 per minute", "500/m"),
        ("500rpm", "500/m"),
        ("10 rps", "10/s"),
        ("5/10sec", "5/10s"),
        ("1k/h", "1000/h"),
        ("20 requests per day", "20/d"),
        ("7 a second", "7/s"),
    ],
)
def test_a_limit_in_other_words_is_recognized(text: str, meant: str) -> None:
    assert hint(text) == f"; did you mean {meant}?"
    assert str(parse_limits(meant)) == meant


@pytest.mark.parametrize("text", ["0/m", "0", "00/10s", "0 rps", "0k/h"])
def test_who_writes_nothing_is_told_how_to_shut_a_client_out(text: str) -> None:
    assert "did you mean" not in hint(text)
    assert "put it on GATEWAY_DENY and restart the nodes" in hint(text)
    assert hint(text).endswith("the least limit is 1/366d")
    assert str(parse_limits("1/366d")) == "1/366d"
    with pytest.raises(LimitSyntaxError):
        parse_limits("1/367d")


@pytest.mark.parametrize("text", ["5/0s", "5/367days", "9000000k/m", "5000000000"])
def test_what_would_be_refused_as_well_is_not_suggested(text: str) -> None:
    assert hint(text) == ""


@pytest.mark.parametrize("text", ["many", "sk-secret-4711", "500/fortnight", "", "m/500"])
def test_of_anything_else_nothing_is_repeated(text: str) -> None:
    assert hint(text) == ""


def test_a_bare_number_is_told_what_it_lacks() -> None:
    assert hint("500") == "; for so many a minute write /m behind the number"
