"""What Redis does wrong: who is asked further, and what is told."""

import logging

import pytest

from gateway.errors import StoreUnavailable
from gateway.limiter.store import StoreHealth
from gateway.telemetry.counters import Counters

REASON = StoreUnavailable("it refuses to count")
FULL = "OOM command not allowed when used memory > 'maxmemory'."


class Watched:
    """A health, what it counts, how often it opened; its time is `now`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.counters = Counters()
        self.openings = 0
        self.health = StoreHealth(self.counters, lambda: self.now)
        self.health.on_open(self._opened)

    def _opened(self) -> None:
        self.openings += 1


def test_a_late_answer_opens_the_breaker_and_tells_its_owner_once() -> None:
    watched = Watched()
    watched.health.on_timeout()
    watched.health.on_timeout()
    assert not watched.health.is_closed
    assert watched.openings == 1


def test_a_probe_that_is_answered_in_time_closes_it_and_one_that_is_late_does_not() -> None:
    health = Watched().health
    health.on_timeout()
    health.on_probe(in_time=False)
    assert not health.is_closed
    health.on_probe(in_time=True)
    assert health.is_closed


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
    assert watched.health.on_error_reply(reply, REASON) is False
    assert watched.health.on_error_reply(reply, REASON) is False
    assert watched.health.is_closed
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
    assert watched.health.on_error_reply(reply, REASON) is True
    assert watched.openings == 0


def test_a_server_that_does_not_count_at_the_moment_is_kept_and_opens_the_breaker() -> None:
    watched = Watched()
    assert watched.health.on_error_reply(FULL, REASON) is False
    assert not watched.health.is_closed
    assert watched.counters.store_damaged == 0


def test_answers_prove_nothing_for_ten_seconds_to_who_was_refused_a_count() -> None:
    watched = Watched()
    watched.health.on_error_reply(FULL, REASON)
    watched.now = 9.9
    watched.health.on_success(counted=False)
    assert watched.health.last_error
    watched.now = 10.0
    watched.health.on_success(counted=False)
    assert not watched.health.last_error


def test_a_count_proves_at_once_and_then_answers_do_again() -> None:
    watched = Watched()
    watched.health.on_error_reply(FULL, REASON)
    watched.health.on_success()
    assert not watched.health.last_error
    watched.health.on_disconnect(REASON)
    watched.health.on_success(counted=False)
    assert not watched.health.last_error


def test_an_outage_is_told_once_and_its_end_with_the_number_of_failures(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    health = Watched().health
    for _ in range(3):
        health.on_disconnect(StoreUnavailable("127.0.0.1:6379: connection refused"))
    assert health.disconnects == 3
    health.on_success()
    assert health.disconnects == 0
    assert [record.getMessage() for record in caplog.records] == [
        "Redis, for counting: 127.0.0.1:6379: connection refused",
        "Redis, for counting works again, after 3 failures",
    ]


def test_counters_of_the_future_are_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    for count in (0, 2, 3):
        watched.health.on_future_fields(count)
    assert watched.counters.store_fields_ahead == 5
    assert len(caplog.records) == 1
