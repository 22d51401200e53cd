import pytest

from subject.detectors.store_slow import store_slow
from subject.finding import CLUSTER, Finding
from tests.unit.subject.builders import NEVER, ONE, START, THRESHOLDS, Rate, always, cluster, even, steps

SIXTY = always(60)


def found(
    round_trip_ms: Rate,
    seconds: int,
    requests: Rate = SIXTY,
    fallbacks: Rate = NEVER,
    loop_lag_ms: Rate = ONE,
) -> list[Finding]:
    scripts = even(requests, round_trip_ms=round_trip_ms, fallbacks=fallbacks, loop_lag_ms=loop_lag_ms)
    return store_slow(cluster(*scripts, seconds=seconds), THRESHOLDS)


def test_a_store_that_became_slow_is_found_since_it_did() -> None:
    (slow,) = found(steps((0, 1), (60, 30)), 66)

    assert slow.subject == CLUSTER
    assert slow.since == pytest.approx(START + 60, abs=1)
    p99 = next(item for item in slow.evidence if item.metric == "store_p99")
    assert p99.baseline == pytest.approx(1, rel=0.1)
    assert p99.now == pytest.approx(30, rel=0.1)
    assert slow.summary.startswith("3 of 3 nodes wait 3")


def test_it_is_found_at_five_requests_a_second_too() -> None:
    assert found(steps((0, 1), (60, 30)), 66, requests=always(5))


@pytest.mark.parametrize(("milliseconds", "expected"), [(8, False), (12, True)])
def test_ten_milliseconds_are_never_slow(milliseconds: int, expected: bool) -> None:
    assert bool(found(steps((0, 1), (60, milliseconds)), 70)) is expected


@pytest.mark.parametrize(("milliseconds", "expected"), [(26, False), (40, True)])
def test_otherwise_it_is_five_times_the_usual(milliseconds: int, expected: bool) -> None:
    assert bool(found(steps((0, 6), (60, milliseconds)), 70)) is expected


def test_one_stall_is_no_slow_store() -> None:
    assert not any(found(steps((0, 1), (60, 80), (61, 1)), seconds) for seconds in range(60, 70))


def test_slow_from_the_start_is_found_only_where_it_is_five_times_what_is_never_slow() -> None:
    assert not found(always(30), 30)
    assert found(always(70), 30)


def test_it_ends_with_the_slowness() -> None:
    assert not found(steps((0, 1), (40, 30), (60, 1)), 66)


def test_one_of_three_nodes_is_not_the_store() -> None:
    fast, slow = even(always(60)), even(always(60), round_trip_ms=steps((0, 1), (60, 30)))

    assert not store_slow(cluster(fast[0], fast[1], slow[2], seconds=70), THRESHOLDS)
    assert store_slow(cluster(fast[0], slow[1], slow[2], seconds=70), THRESHOLDS)


@pytest.mark.parametrize(("lag_ms", "expected"), [(3, True), (50, False)])
def test_nodes_that_are_late_themselves_do_not_blame_the_store(lag_ms: int, expected: bool) -> None:
    late = steps((0, 1), (60, lag_ms))

    assert bool(found(steps((0, 1), (60, 50)), 70, loop_lag_ms=late)) is expected
    assert bool(found(always(80), 10, loop_lag_ms=always(lag_ms))) is expected


def test_a_slow_store_is_found_by_nodes_that_are_late_themselves() -> None:
    assert found(steps((0, 1), (60, 80)), 70, loop_lag_ms=steps((0, 1), (60, 50)))


def test_an_idle_cluster_has_no_slow_store() -> None:
    assert not found(always(1), 60, requests=always(0))


def test_where_no_decision_is_made_by_redis_it_is_not_slow_but_down() -> None:
    assert not found(steps((0, 1), (40, 60)), 60, fallbacks=steps((0, 0), (40, 20)))


def test_a_usually_slow_tail_does_not_hide_a_store_that_became_slow_for_every_request() -> None:
    def round_trip_ms(second: int) -> int:
        return 40 if second >= 60 else 20 if second % 5 == 0 else 1

    assert not found(round_trip_ms, 60)
    assert found(round_trip_ms, 66)
