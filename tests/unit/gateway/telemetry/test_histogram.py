import math

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.sketches import bucket, quantile_seconds
from gateway.telemetry.counters import Histogram

durations = st.lists(st.floats(1e-6, 1e4), min_size=1, max_size=60)


@given(durations)
def test_everything_that_was_added_is_counted(seconds: list[float]) -> None:
    histogram = Histogram()
    for duration in seconds:
        histogram.add(duration)

    assert histogram.count == sum(count for _, count in histogram.buckets()) == len(seconds)
    assert math.isclose(histogram.sum_seconds, math.fsum(seconds))
    assert [number for number, _ in histogram.buckets()] == sorted({bucket(each) for each in seconds})


@given(durations)
def test_at_most_counts_no_duration_that_is_longer(seconds: list[float]) -> None:
    histogram = Histogram()
    for duration in seconds:
        histogram.add(duration)
    bounds = (0.001, 0.1, 1.0, 10.0)
    counts = [histogram.at_most(bound) for bound in bounds]

    assert counts == sorted(counts)
    assert all(
        count <= sum(duration <= bound * (1 + 1e-9) for duration in seconds)
        for count, bound in zip(counts, bounds, strict=True)
    )
    assert histogram.at_most(math.inf) == len(seconds)


@given(durations)
def test_a_quantile_is_read_within_nine_percent(seconds: list[float]) -> None:
    histogram = Histogram()
    for duration in seconds:
        histogram.add(duration)
    median = sorted(seconds)[math.ceil(len(seconds) / 2) - 1]

    read = quantile_seconds(histogram.buckets(), 0.5)
    assert read is not None
    assert median * (1 - 1e-9) <= read <= median * 1.091


def test_an_empty_one_is_empty() -> None:
    histogram = Histogram()

    assert (histogram.count, histogram.sum_seconds, histogram.buckets()) == (0, 0.0, ())
    assert histogram.at_most(1.0) == 0
