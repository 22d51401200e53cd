from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import histogram

MICROSECOND, TWELVE_DAYS = 1e-6, 1e6
durations = st.floats(MICROSECOND, TWELVE_DAYS)
histograms = st.dictionaries(st.integers(0, histogram.LAST_BUCKET), st.integers(1, 1000), max_size=20).map(
    histogram.from_counts
)


def of(measured: list[float]) -> histogram.Buckets:
    numbers = [histogram.bucket(seconds) for seconds in measured]
    return histogram.from_counts({number: numbers.count(number) for number in numbers})


@given(st.lists(durations, min_size=1), st.floats(0.001, 1))
def test_a_quantile_is_at_most_9_1_percent_above_that_of_a_sorted_list(
    measured: list[float], q: float
) -> None:
    exact = sorted(measured)[ceil(q * len(measured)) - 1]

    read = histogram.quantile_seconds(of(measured), q)

    assert read is not None
    assert exact * (1 - 1e-9) <= read <= exact * 1.091


@pytest.mark.parametrize("nothing", [(), ((3, 0),)])
def test_nothing_measured_has_no_quantile(nothing: histogram.Buckets) -> None:
    assert histogram.quantile_seconds(nothing, 0.99) is None


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1e-9, MICROSECOND])
def test_what_takes_up_to_a_microsecond_is_in_the_first_bucket(seconds: float) -> None:
    assert histogram.bucket(seconds) == 0


@given(durations, durations)
def test_a_longer_duration_is_in_no_earlier_bucket(one: float, other: float) -> None:
    shorter, longer = sorted([one, other])
    assert histogram.bucket(shorter) <= histogram.bucket(longer)


@given(st.floats(TWELVE_DAYS * 2, 1e300))
def test_the_last_bucket_holds_everything_above(seconds: float) -> None:
    assert histogram.bucket(seconds) == histogram.LAST_BUCKET


@given(st.integers(-(2**63), 2**63))
def test_a_bucket_that_nobody_writes_reads_as_a_duration_all_the_same(number: int) -> None:
    assert 0 < histogram.upper_bound_seconds(number) < 2 * TWELVE_DAYS


@given(histograms, histograms)
def test_what_was_added_is_the_difference(earlier: histogram.Buckets, added: histogram.Buckets) -> None:
    later = histogram.total([earlier, added])
    assert histogram.difference(later, earlier) == added


@given(histograms)
def test_the_difference_to_itself_is_empty(one: histogram.Buckets) -> None:
    assert histogram.difference(one, one) == ()


@given(histograms, histograms)
def test_a_total_is_in_the_order_of_its_buckets(one: histogram.Buckets, other: histogram.Buckets) -> None:
    total = histogram.total([one, other])

    assert list(total) == sorted(total)
    assert sum(count for _, count in total) == sum(count for _, count in one + other)


@given(histograms, histograms)
def test_whatever_holds_a_histogram_is_read_as_one(
    later: histogram.Buckets, earlier: histogram.Buckets
) -> None:
    assert histogram.difference(list(later), list(earlier)) == histogram.difference(later, earlier)
    assert histogram.total([list(later), earlier]) == histogram.total([later, earlier])
    assert histogram.longest_seconds(list(later)) == histogram.longest_seconds(later)
    assert histogram.quantile_seconds(list(later), 0.5) == histogram.quantile_seconds(later, 0.5)
