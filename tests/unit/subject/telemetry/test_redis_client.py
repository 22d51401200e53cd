import socket

import pytest
from redis import exceptions
from redis.exceptions import RedisError

from subject.errors import RedisAwayError, RedisRefusesError
from subject.telemetry.redis_client import connect, place, redis_errors_mapped


def test_a_host_that_is_not_found_is_told_in_the_resolvers_words() -> None:
    client = connect("redis://nohost.invalid", 1)
    failed = RedisError("Error -2 connecting to nohost.invalid:6379.")
    failed.__cause__ = socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(RedisAwayError) as caught, redis_errors_mapped(client):
        raise failed

    assert caught.value.reason == "name or service not known"
    assert str(caught.value) == "Redis at nohost.invalid:6379 does not answer (name or service not known)"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://me:hunter2@h:7/3", "h:7"),
        ("redis://h", "h:6379"),
        ("rediss://[::1]:1/0", "[::1]:1"),
        ("unix://me:hunter2@/run/redis.sock", "/run/redis.sock"),
        ("redis+sentinel://me:hunter2@a,b/main", "master main"),
    ],
)
def test_a_place_is_without_user_and_password(url: str, expected: str) -> None:
    assert place(connect(url, 1)) == expected


@pytest.mark.parametrize(
    "error",
    [
        exceptions.BusyLoadingError("Redis is loading the dataset in memory"),
        exceptions.ConnectionError("max number of clients reached"),
        exceptions.AuthenticationError("Authentication required."),
        exceptions.ResponseError("ERR unknown command"),
    ],
)
def test_an_error_that_redis_answers_with_is_a_refusal(error: RedisError) -> None:
    client = connect("redis://h", 1)

    with pytest.raises(RedisRefusesError, match=r"^Redis at h:6379 refuses: "), redis_errors_mapped(client):
        raise error
