import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.limits import MAX_PERIOD_SECONDS, MAX_QUOTA, Limit, LimitSyntaxError, parse_limit

limits = st.builds(Limit, st.integers(1, MAX_QUOTA), st.integers(1, MAX_PERIOD_SECONDS))


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("1/s", Limit(1, 1)),
        ("100/m", Limit(100, 60)),
        ("200/10s", Limit(200, 10)),
        ("5/2h", Limit(5, 7200)),
        ("10000/d", Limit(10_000, 86_400)),
        (" 100/m\n", Limit(100, 60)),
        ("1000000000/366d", Limit(MAX_QUOTA, MAX_PERIOD_SECONDS)),
    ],
)
def test_a_limit_is_a_number_and_a_period(text: str, limit: Limit) -> None:
    assert parse_limit(text) == limit


@pytest.mark.parametrize(
    "text",
    [
        "",
        "100",
        "100/",
        "/m",
        "100/60",
        "100/M",
        "100 / m",
        "-1/m",
        "+1/m",
        "1.5/m",
        "1e3/m",
        "1_000/m",
        "٣/m",
        "1/w",
        "100/m,10/s",
        "100/m\n10/s",
        "0x10/s",
    ],
)
def test_another_form_is_refused_with_what_a_limit_looks_like(text: str) -> None:
    with pytest.raises(LimitSyntaxError, match="write N/period, as in 100/m or 200/10s"):
        parse_limit(text)


@pytest.mark.parametrize("text", ["0/m", "1000000001/s"])
def test_a_quota_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(LimitSyntaxError, match="number of requests must be between 1 and 1,000,000,000"):
        parse_limit(text)


@pytest.mark.parametrize("text", ["1/0s", "1/367d", "1/31622401s"])
def test_a_period_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(LimitSyntaxError, match="period must be between 1 second and 366 days"):
        parse_limit(text)


@pytest.mark.parametrize("text", ["9" * 5000 + "/m", "1/" + "9" * 5000 + "s"])
def test_an_endless_number_is_refused_in_a_short_message(text: str) -> None:
    with pytest.raises(LimitSyntaxError) as refused:
        parse_limit(text)
    assert len(str(refused.value)) < 200


@given(st.text())
def test_a_text_is_a_limit_or_a_syntax_error(text: str) -> None:
    try:
        limit = parse_limit(text)
    except LimitSyntaxError:
        return
    assert parse_limit(str(limit)) == limit


@given(limits)
def test_a_limit_reads_back_from_its_text(limit: Limit) -> None:
    assert parse_limit(str(limit)) == limit


@given(limits)
def test_a_limit_is_written_as_its_shortest_text(limit: Limit) -> None:
    seconds = limit.period_seconds
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    ways = [f"{limit.quota}/{seconds // size}{unit}" for unit, size in units.items() if seconds % size == 0]
    ways += [f"{limit.quota}/{unit}" for unit, size in units.items() if seconds == size]

    assert len(str(limit)) == min(map(len, ways))
