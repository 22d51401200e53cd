"""What Redis does wrong: who is asked further, and what is told."""

import logging

import pytest

from gateway.errors import StoreUnavailable
from gateway.limiter.guard import Guard
from gateway.telemetry.counters import Counters

REASON = StoreUnavailable("it refuses to count")
FULL = "OOM command not allowed when used memory > 'maxmemory'."


class Watched:
    """A guard, what it counts, how often it opened; its time is `now`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.counters = Counters()
        self.openings = 0
        self.guard = Guard(self.counters, lambda: self.now)
        self.guard.on_open(self._opened)

    def _opened(self) -> None:
        self.openings += 1


def test_a_late_answer_opens_the_breaker_and_tells_its_owner_once() -> None:
    watched = Watched()
    watched.guard.late()
    watched.guard.late()
    assert not watched.guard.is_closed
    assert watched.openings == 1


def test_a_probe_that_is_answered_in_time_closes_it_and_one_that_is_late_does_not() -> None:
    guard = Watched().guard
    guard.late()
    guard.probed(in_time=False)
    assert not guard.is_closed
    guard.probed(in_time=True)
    assert guard.is_closed


@pytest.mark.parametrize(
    "reply",
    [
        "WRONGTYPE Operation against a key holding the wrong kind of value",
        "ERR hash value is not an integer",
        "ERR increment or decrement would overflow",
    ],
)
def test_a_damaged_counter_is_its_clients_alone(reply: str, caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    assert watched.guard.refused(reply, REASON) is False
    assert watched.guard.refused(reply, REASON) is False
    assert watched.guard.is_closed
    assert watched.counters.store_damaged == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(
    "reply",
    [
        "READONLY You can't write against a read only replica.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "LOADING Redis is loading the dataset in memory",
        "NOAUTH Authentication required.",
    ],
)
def test_a_server_that_cannot_count_at_all_is_left(reply: str) -> None:
    watched = Watched()
    assert watched.guard.refused(reply, REASON) is True
    assert watched.openings == 0


def test_a_server_that_does_not_count_at_the_moment_is_kept_and_opens_the_breaker() -> None:
    watched = Watched()
    assert watched.guard.refused(FULL, REASON) is False
    assert not watched.guard.is_closed
    assert watched.counters.store_damaged == 0


def test_answers_prove_nothing_for_ten_seconds_to_who_was_refused_a_count() -> None:
    watched = Watched()
    watched.guard.refused(FULL, REASON)
    watched.now = 9.9
    watched.guard.proved(by_count=False)
    assert watched.guard.trouble
    watched.now = 10.0
    watched.guard.proved(by_count=False)
    assert not watched.guard.trouble


def test_a_count_proves_at_once_and_then_answers_do_again() -> None:
    watched = Watched()
    watched.guard.refused(FULL, REASON)
    watched.guard.proved()
    assert not watched.guard.trouble
    watched.guard.lost(REASON)
    watched.guard.proved(by_count=False)
    assert not watched.guard.trouble


def test_an_outage_is_told_once_and_its_end_with_the_number_of_failures(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    guard = Watched().guard
    for _ in range(3):
        guard.lost(StoreUnavailable("127.0.0.1:6379: connection refused"))
    assert guard.losses == 3
    guard.proved()
    assert guard.losses == 0
    assert [record.getMessage() for record in caplog.records] == [
        "Redis, for counting: 127.0.0.1:6379: connection refused",
        "Redis, for counting works again, after 3 failures",
    ]


def test_counters_of_the_future_are_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    for count in (0, 2, 3):
        watched.guard.saw_fields_ahead(count)
    assert watched.counters.store_fields_ahead == 5
    assert len(caplog.records) == 1
