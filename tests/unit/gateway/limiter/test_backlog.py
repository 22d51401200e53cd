"""The books of what was admitted without Redis."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.limiter import fallback
from gateway.limiter.decision import Hit
from gateway.limiter.fallback import MAX_WINDOWS, BackfillEntry, Backlog
from gateway.limiter.frame import Command
from gateway.telemetry.counters import Counters
from tests.unit.gateway.limiter.builders import NOW, SENT, TEN, THIS
from tests.unit.gateway.limiter.pipelines import commands

EVERYTHING = MAX_WINDOWS
BUCKET = window.sub_interval(int(SENT * window.MICROSECONDS), 60)


def redis_time(now: float) -> int:
    """At `SENT` Redis says `NOW`."""
    return NOW + int((now - SENT) * window.MICROSECONDS)


def posted(backlog: Backlog, now: float) -> list[Command]:
    """What goes to Redis at monotonic `now`."""
    return commands(fallback.backfill_commands(backlog.take(now, EVERYTHING), redis_time, redis_time(now)))


def admitted(*moments: float, key: str = "k", is_posted: bool = False) -> Backlog:
    backlog = Backlog(Counters())
    for now in moments:
        backlog.record(Hit(key, TEN), now, counted=is_posted)
    return backlog


def test_what_was_admitted_counts_for_a_window_and_no_longer_than_one_in_redis_would() -> None:
    backlog = admitted(SENT, SENT + 10)
    assert backlog.total("k", SENT + 60) == 2
    leaves = window.leaves_at(BUCKET, 60) / window.MICROSECONDS
    assert backlog.total("k", leaves - 0.001) == 2
    assert backlog.frees_in("k", leaves - 0.001) == pytest.approx(0.001)
    assert backlog.total("k", leaves) == 1


def test_an_unknown_window_holds_nothing() -> None:
    assert Backlog(Counters()).total("k", SENT) == 0
    assert Backlog(Counters()).frees_in("k", SENT) is None


def test_what_redis_lacks_is_posted_once_with_an_expiry() -> None:
    backlog = admitted(SENT, SENT)
    assert backlog.pending == 1
    assert posted(backlog, SENT) == [
        ("HINCRBY", "k", THIS, 2),
        ("HINCRBY", "k", window.BACKFILLED, 2),
        ("PEXPIRE", "k", window.key_lifetime_ms(60)),
    ]
    assert posted(backlog, SENT) == []
    assert backlog.pending == 0


def test_what_redis_has_counted_or_perhaps_will_is_not_posted() -> None:
    backlog = admitted(SENT, is_posted=True)
    assert backlog.total("k", SENT) == 1
    assert backlog.pending == 0
    assert posted(backlog, SENT) == []


def test_a_posting_that_failed_is_owed_again_and_counts_once() -> None:
    backlog = admitted(SENT)
    lost = backlog.take(SENT, EVERYTHING)
    backlog.requeue(lost)
    assert backlog.total("k", SENT) == 1
    assert backlog.take(SENT, EVERYTHING) == lost


def test_units_under_way_that_were_lost_are_posted_when_they_were_let_through() -> None:
    backlog = admitted(SENT, is_posted=True)
    backlog.requeue([BackfillEntry.of(Hit("k", TEN, 3), SENT)])
    assert backlog.take(SENT, EVERYTHING) == [BackfillEntry("k", 60, BUCKET, 3)]


def test_what_was_admitted_long_ago_is_posted_where_it_was_admitted() -> None:
    """Or a sub-interval later: late backfill must not make it count from then on."""
    backlog = admitted(SENT)
    ((_, _, number, _), *_) = posted(backlog, SENT + 40)
    assert number in (THIS, THIS + 1)


def test_what_has_left_the_window_meanwhile_is_not_posted() -> None:
    assert posted(admitted(SENT), SENT + 65) == []


def test_sub_intervals_are_posted_one_by_one() -> None:
    entries = admitted(SENT, SENT + 5, SENT + 5).take(SENT + 6, EVERYTHING)
    assert sorted((entry.bucket, entry.units) for entry in entries) == [(BUCKET, 1), (BUCKET + 5, 2)]


@given(
    period=st.sampled_from([1, 2, 7, 10, 60, 3600, 86_400]),
    passed_at=st.floats(0, 10**7),
    late_parts=st.floats(0, 1),
    ahead=st.integers(0, 10**15),
    way=st.integers(0, 50_000),
)
def test_what_is_posted_counts_no_less_long_than_if_redis_had_counted_it_then(
    period: int, passed_at: float, late_parts: float, ahead: int, way: int
) -> None:
    """And at the most one sub-interval and a microsecond longer, whatever both clocks say."""
    now = passed_at + late_parts * period * 0.9

    def time(monotonic: float) -> int:
        return int(monotonic * window.MICROSECONDS) + ahead

    backlog = Backlog(Counters())
    backlog.record(Hit("k", Limit(1, period)), passed_at, counted=False)
    ((_, _, number, _), *_) = commands(
        fallback.backfill_commands(backlog.take(now, EVERYTHING), time, time(now) + way)
    )

    true = window.sub_interval(time(passed_at), period)
    assert true <= int(number) <= true + 1


def test_a_unit_is_never_posted_into_the_future() -> None:
    """A field ahead of the sub-interval at hand would be taken for a broken clock's."""
    backlog = admitted(SENT)
    ((_, _, number, _), *_) = posted(backlog, SENT + 0.001)
    assert number == THIS


def test_an_account_is_squared_when_redis_has_told_of_its_window() -> None:
    backlog = admitted(SENT, is_posted=True)
    backlog.reconcile("k", SENT)
    assert backlog.total("k", SENT) == 0
    assert len(backlog) == 0
    backlog.reconcile("unknown", SENT)


def test_an_account_is_not_squared_by_what_was_asked_before_its_last_change() -> None:
    backlog = admitted(SENT, is_posted=True)
    backlog.reconcile("k", SENT - 0.001)
    assert backlog.total("k", SENT) == 1
    owing = admitted(SENT)
    owing.take(SENT + 1, EVERYTHING)
    owing.reconcile("k", SENT + 0.5)
    assert owing.total("k", SENT + 1) == 1
    owing.reconcile("k", SENT + 1)
    assert owing.total("k", SENT + 1) == 0


def test_an_account_that_redis_lacks_something_of_is_not_squared() -> None:
    backlog = admitted(SENT)
    backlog.reconcile("k", SENT)
    assert backlog.total("k", SENT) == 1
    assert backlog.pending == 1


def test_of_more_accounts_than_fit_the_longest_unused_is_written_off() -> None:
    counters = Counters()
    backlog = Backlog(counters)
    for number in range(MAX_WINDOWS):
        backlog.record(Hit(str(number), TEN), SENT, counted=False)
    backlog.record(Hit("0", TEN, 2), SENT, counted=False)
    backlog.record(Hit("one more", TEN), SENT, counted=False)
    assert len(backlog) == backlog.pending == MAX_WINDOWS
    assert counters.store_written_off == 1
    assert backlog.total("0", SENT) == 3
    assert backlog.total("1", SENT) == 0


def test_what_redis_has_is_not_written_off_with_its_account() -> None:
    counters = Counters()
    backlog = Backlog(counters)
    backlog.record(Hit("k", TEN), SENT, counted=True)
    for number in range(MAX_WINDOWS):
        backlog.record(Hit(str(number), TEN), SENT, counted=False)
    assert (len(backlog), counters.store_written_off) == (MAX_WINDOWS, 0)


def test_postings_are_taken_in_portions_by_window_and_all_of_them_in_the_end() -> None:
    backlog = Backlog(Counters())
    for number in range(10):
        for bucket in range(3):
            backlog.record(Hit(str(number), TEN), SENT + bucket, counted=False)
    portions = []
    while backlog.pending:
        portions.append(backlog.take(SENT + 3, 7))
    assert [len(portion) for portion in portions] == [9, 9, 9, 3]
    assert len({entry[:3] for portion in portions for entry in portion}) == 30
