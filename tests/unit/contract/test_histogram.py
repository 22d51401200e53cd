from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import sketches

MICROSECOND, TWELVE_DAYS = 1e-6, 1e6
durations = st.floats(MICROSECOND, TWELVE_DAYS)
histograms = st.dictionaries(st.integers(0, sketches.LAST_BUCKET), st.integers(1, 1000), max_size=20).map(
    sketches.histogram_from_counts
)


def of(measured: list[float]) -> sketches.Buckets:
    numbers = [sketches.bucket(seconds) for seconds in measured]
    return sketches.histogram_from_counts({number: numbers.count(number) for number in numbers})


@given(st.lists(durations, min_size=1), st.floats(0.001, 1))
def test_a_quantile_is_at_most_9_1_percent_above_that_of_a_sorted_list(
    measured: list[float], q: float
) -> None:
    exact = sorted(measured)[ceil(q * len(measured)) - 1]

    read = sketches.quantile_seconds(of(measured), q)

    assert read is not None
    assert exact * (1 - 1e-9) <= read <= exact * 1.091


@pytest.mark.parametrize("nothing", [(), ((3, 0),)])
def test_nothing_measured_has_no_quantile(nothing: sketches.Buckets) -> None:
    assert sketches.quantile_seconds(nothing, 0.99) is None


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1e-9, MICROSECOND])
def test_what_takes_up_to_a_microsecond_is_in_the_first_bucket(seconds: float) -> None:
    assert sketches.bucket(seconds) == 0


@given(durations, durations)
def test_a_longer_duration_is_in_no_earlier_bucket(one: float, other: float) -> None:
    shorter, longer = sorted([one, other])
    assert sketches.bucket(shorter) <= sketches.bucket(longer)


@given(st.floats(TWELVE_DAYS * 2, 1e300))
def test_the_last_bucket_holds_everything_above(seconds: float) -> None:
    assert sketches.bucket(seconds) == sketches.LAST_BUCKET


@given(st.integers(-(2**63), 2**63))
def test_a_bucket_that_nobody_writes_reads_as_a_duration_all_the_same(number: int) -> None:
    assert 0 < sketches.upper_bound_seconds(number) < 2 * TWELVE_DAYS


@given(histograms, histograms)
def test_what_was_added_is_the_difference(earlier: sketches.Buckets, added: sketches.Buckets) -> None:
    later = sketches.histogram_sum([earlier, added])
    assert sketches.histogram_difference(later, earlier) == added


@given(histograms)
def test_the_difference_to_itself_is_empty(one: sketches.Buckets) -> None:
    assert sketches.histogram_difference(one, one) == ()


@given(histograms, histograms)
def test_a_total_is_in_the_order_of_its_buckets(one: sketches.Buckets, other: sketches.Buckets) -> None:
    total = sketches.histogram_sum([one, other])

    assert list(total) == sorted(total)
    assert sum(count for _, count in total) == sum(count for _, count in one + other)


@given(histograms, histograms)
def test_whatever_holds_a_histogram_is_read_as_one(
    later: sketches.Buckets, earlier: sketches.Buckets
) -> None:
    assert sketches.histogram_difference(list(later), list(earlier)) == sketches.histogram_difference(
        later, earlier
    )
    assert sketches.histogram_sum([list(later), earlier]) == sketches.histogram_sum([later, earlier])
    assert sketches.longest_seconds(list(later)) == sketches.longest_seconds(later)
    assert sketches.quantile_seconds(list(later), 0.5) == sketches.quantile_seconds(later, 0.5)
