"""The books of what was admitted without Redis."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.limiter import ledger as books
from gateway.limiter.decision import Hit
from gateway.limiter.frame import Command
from gateway.limiter.ledger import MAX_WINDOWS, Ledger, Posting
from gateway.telemetry.counters import Counters
from tests.unit.gateway.limiter.builders import NOW, SENT, TEN, THIS
from tests.unit.gateway.limiter.pipelines import commands

EVERYTHING = MAX_WINDOWS
BUCKET = window.sub_interval(int(SENT * window.MICROSECONDS), 60)


def redis_time(now: float) -> int:
    """At `SENT` Redis says `NOW`."""
    return NOW + int((now - SENT) * window.MICROSECONDS)


def posted(ledger: Ledger, now: float) -> list[Command]:
    """What goes to Redis at monotonic `now`."""
    return commands(books.commands(ledger.take(now, EVERYTHING), redis_time, redis_time(now)))


def admitted(*moments: float, key: str = "k", is_posted: bool = False) -> Ledger:
    ledger = Ledger(Counters())
    for now in moments:
        ledger.enter(Hit(key, TEN), now, posted=is_posted)
    return ledger


def test_what_was_admitted_counts_for_a_window_and_no_longer_than_one_in_redis_would() -> None:
    ledger = admitted(SENT, SENT + 10)
    assert ledger.total("k", SENT + 60) == 2
    leaves = window.leaves_at(BUCKET, 60) / window.MICROSECONDS
    assert ledger.total("k", leaves - 0.001) == 2
    assert ledger.frees_in("k", leaves - 0.001) == pytest.approx(0.001)
    assert ledger.total("k", leaves) == 1


def test_an_unknown_window_holds_nothing() -> None:
    assert Ledger(Counters()).total("k", SENT) == 0
    assert Ledger(Counters()).frees_in("k", SENT) is None


def test_what_redis_lacks_is_posted_once_with_an_expiry() -> None:
    ledger = admitted(SENT, SENT)
    assert ledger.owing == 1
    assert posted(ledger, SENT) == [
        ("HINCRBY", "k", THIS, 2),
        ("HINCRBY", "k", window.BACKFILLED, 2),
        ("PEXPIRE", "k", window.key_lifetime_ms(60)),
    ]
    assert posted(ledger, SENT) == []
    assert ledger.owing == 0


def test_what_redis_has_counted_or_perhaps_will_is_not_posted() -> None:
    ledger = admitted(SENT, is_posted=True)
    assert ledger.total("k", SENT) == 1
    assert ledger.owing == 0
    assert posted(ledger, SENT) == []


def test_a_posting_that_failed_is_owed_again_and_counts_once() -> None:
    ledger = admitted(SENT)
    lost = ledger.take(SENT, EVERYTHING)
    ledger.owe(lost)
    assert ledger.total("k", SENT) == 1
    assert ledger.take(SENT, EVERYTHING) == lost


def test_units_under_way_that_were_lost_are_posted_when_they_were_let_through() -> None:
    ledger = admitted(SENT, is_posted=True)
    ledger.owe([Posting.of(Hit("k", TEN, 3), SENT)])
    assert ledger.take(SENT, EVERYTHING) == [Posting("k", 60, BUCKET, 3)]


def test_what_was_admitted_long_ago_is_posted_where_it_was_admitted() -> None:
    """Or a sub-interval later: late posting must not make it count from then on."""
    ledger = admitted(SENT)
    ((_, _, number, _), *_) = posted(ledger, SENT + 40)
    assert number in (THIS, THIS + 1)


def test_what_has_left_the_window_meanwhile_is_not_posted() -> None:
    assert posted(admitted(SENT), SENT + 65) == []


def test_sub_intervals_are_posted_one_by_one() -> None:
    postings = admitted(SENT, SENT + 5, SENT + 5).take(SENT + 6, EVERYTHING)
    assert sorted((posting.bucket, posting.units) for posting in postings) == [(BUCKET, 1), (BUCKET + 5, 2)]


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

    ledger = Ledger(Counters())
    ledger.enter(Hit("k", Limit(1, period)), passed_at, posted=False)
    ((_, _, number, _), *_) = commands(books.commands(ledger.take(now, EVERYTHING), time, time(now) + way))

    true = window.sub_interval(time(passed_at), period)
    assert true <= int(number) <= true + 1


def test_a_unit_is_never_posted_into_the_future() -> None:
    """A field ahead of the sub-interval at hand would be taken for a broken clock's."""
    ledger = admitted(SENT)
    ((_, _, number, _), *_) = posted(ledger, SENT + 0.001)
    assert number == THIS


def test_an_account_is_squared_when_redis_has_told_of_its_window() -> None:
    ledger = admitted(SENT, is_posted=True)
    ledger.square("k", SENT)
    assert ledger.total("k", SENT) == 0
    assert len(ledger) == 0
    ledger.square("unknown", SENT)


def test_an_account_is_not_squared_by_what_was_asked_before_its_last_change() -> None:
    ledger = admitted(SENT, is_posted=True)
    ledger.square("k", SENT - 0.001)
    assert ledger.total("k", SENT) == 1
    owing = admitted(SENT)
    owing.take(SENT + 1, EVERYTHING)
    owing.square("k", SENT + 0.5)
    assert owing.total("k", SENT + 1) == 1
    owing.square("k", SENT + 1)
    assert owing.total("k", SENT + 1) == 0


def test_an_account_that_redis_lacks_something_of_is_not_squared() -> None:
    ledger = admitted(SENT)
    ledger.square("k", SENT)
    assert ledger.total("k", SENT) == 1
    assert ledger.owing == 1


def test_of_more_accounts_than_fit_the_longest_unused_is_written_off() -> None:
    counters = Counters()
    ledger = Ledger(counters)
    for number in range(MAX_WINDOWS):
        ledger.enter(Hit(str(number), TEN), SENT, posted=False)
    ledger.enter(Hit("0", TEN, 2), SENT, posted=False)
    ledger.enter(Hit("one more", TEN), SENT, posted=False)
    assert len(ledger) == ledger.owing == MAX_WINDOWS
    assert counters.store_written_off == 1
    assert ledger.total("0", SENT) == 3
    assert ledger.total("1", SENT) == 0


def test_what_redis_has_is_not_written_off_with_its_account() -> None:
    counters = Counters()
    ledger = Ledger(counters)
    ledger.enter(Hit("k", TEN), SENT, posted=True)
    for number in range(MAX_WINDOWS):
        ledger.enter(Hit(str(number), TEN), SENT, posted=False)
    assert (len(ledger), counters.store_written_off) == (MAX_WINDOWS, 0)


def test_postings_are_taken_in_portions_by_window_and_all_of_them_in_the_end() -> None:
    ledger = Ledger(Counters())
    for number in range(10):
        for bucket in range(3):
            ledger.enter(Hit(str(number), TEN), SENT + bucket, posted=False)
    portions = []
    while ledger.owing:
        portions.append(ledger.take(SENT + 3, 7))
    assert [len(portion) for portion in portions] == [9, 9, 9, 3]
    assert len({posting[:3] for portion in portions for posting in portion}) == 30
