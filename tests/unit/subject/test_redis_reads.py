import socket

import pytest
from redis.exceptions import RedisError

from gateway.contract import window
from subject.errors import RedisAwayError
from subject.redis_reads import connect, place, redis_errors_mapped, standing
from tests.unit.subject.builders import START


def test_what_stands_in_a_window_is_what_a_decision_would_count() -> None:
    now = window.sub_interval(START * window.MICROSECONDS, 60)
    fields = {str(now): "3", str(now + 1): "1", str(now - 61): "5", str(now - 63): "100", str(now + 2): "100"}

    assert standing(fields, START, 60) == 9


def test_a_negative_counter_takes_nothing_from_the_others() -> None:
    now = window.sub_interval(START * window.MICROSECONDS, 60)

    assert standing({str(now): "3", str(now - 1): "-5"}, START, 60) == 3


def test_fields_that_are_no_counters_are_passed_over() -> None:
    now = window.sub_interval(START * window.MICROSECONDS, 60)

    assert standing({"x": "1", str(now): "y", str(now - 1): "2"}, START, 60) == 2


async def test_a_host_that_is_not_found_is_told_in_the_resolvers_words() -> None:
    client = connect("redis://nohost.invalid", 1)
    failed = RedisError("Error -2 connecting to nohost.invalid:6379.")
    failed.__cause__ = socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(RedisAwayError, match=r"^name or service not known$"), redis_errors_mapped(client):
        raise failed


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://me:hunter2@h:7/3", "h:7"),
        ("redis://h", "h:6379"),
        ("rediss://[::1]:1/0", "[::1]:1"),
        ("unix://me:hunter2@/run/redis.sock", "/run/redis.sock"),
    ],
)
def test_a_place_is_without_user_and_password(url: str, expected: str) -> None:
    assert place(connect(url, 1)) == expected
