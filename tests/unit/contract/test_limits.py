import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.limits import (
    MAX_PERIOD_SECONDS,
    MAX_QUOTA,
    Limit,
    Limits,
    LimitSyntaxError,
    parse_limit,
    parse_limits,
)

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


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("100/m", [(100, 60)]),
        ("10/s,500/m,10000/d", [(10, 1), (500, 60), (10_000, 86_400)]),
        ("10000/d, 10/s ,500/m", [(10, 1), (500, 60), (10_000, 86_400)]),
        ("1/s,2/2s,3/3s,4/4s,5/5s,6/6s,7/7s,8/8s", [(n, n) for n in range(1, 9)]),
    ],
)
def test_a_limit_may_have_several_windows_the_shortest_first(
    text: str, windows: list[tuple[int, int]]
) -> None:
    assert parse_limits(text).windows == tuple(Limit(*window) for window in windows)


def test_the_text_of_several_windows_is_sorted_and_shortest() -> None:
    assert str(parse_limits("10000/24h, 500/60s,10/s")) == "10/s,500/m,10000/d"


@pytest.mark.parametrize("text", ["10/s,20/s", "100/m,5/60s", "5/24h,10/s,6/d"])
def test_two_windows_of_one_period_are_refused(text: str) -> None:
    with pytest.raises(LimitSyntaxError, match="have one period: leave the larger one out"):
        parse_limits(text)


def test_more_than_eight_windows_are_refused() -> None:
    with pytest.raises(LimitSyntaxError, match="between 1 and 8 windows"):
        parse_limits(",".join(f"{n}/{n}s" for n in range(1, 10)))
    with pytest.raises(LimitSyntaxError, match="between 1 and 8 windows"):
        Limits(())


@pytest.mark.parametrize("text", ["", ",", "10/s,", ",10/s", "10/s;5/m", "10/s 5/m", "10/s,five/m"])
def test_each_window_has_the_form_of_a_limit(text: str) -> None:
    with pytest.raises(LimitSyntaxError, match="write N/period"):
        parse_limits(text)


def test_an_endless_list_is_refused_in_a_short_message() -> None:
    with pytest.raises(LimitSyntaxError, match="too long for a limit") as refused:
        parse_limits("1/s," * 5000)
    assert len(str(refused.value)) < 200


several = st.lists(limits, min_size=1, max_size=8, unique_by=lambda one: one.period_seconds).map(tuple)


@given(several)
def test_several_windows_read_back_from_their_text(windows: tuple[Limit, ...]) -> None:
    assert parse_limits(str(Limits(windows))) == Limits(windows)
    assert Limits(windows[::-1]) == Limits(windows)


@given(limits)
def test_one_window_reads_as_it_always_did(limit: Limit) -> None:
    assert parse_limits(str(limit)) == Limits((limit,))
    assert str(Limits((limit,))) == str(limit)


@given(several)
def test_the_smallest_quota_is_what_a_request_may_cost_at_most(windows: tuple[Limit, ...]) -> None:
    assert Limits(windows).smallest_quota == min(window.quota for window in windows)
