"""Which addresses of a Redis pass the settings' check, and that those can be connected to."""

import pytest
from redis.asyncio import ConnectionPool

from gateway.contract.redis_url import check_redis_url

USABLE = [
    "redis://127.0.0.1",
    "redis://127.0.0.1:6379",
    "redis://127.0.0.1:6379/",
    "redis://redis.internal:6379/3",
    "redis://:secret@h:1/0",
    "redis://user:p%40ss@h:1/0",
    "rediss://h:6380/0",
    "redis://[::1]:6379/0",
    "unix:///run/redis.sock",
    "unix:///run/redis.sock?db=2",
    "unix://user:secret@/run/redis.sock",
]
UNUSABLE = [
    "",
    "127.0.0.1:6379",
    "http://h",
    "redis://",
    "redis://h:0",
    "redis://h:65536",
    "redis://h:port",
    "redis://h/abc",
    "redis://h?foo=1",
    "redis://h/0?foo=1",
    "redis://h/0#x",
    "redis://a b/0",
    "unix://",
    "unix:///run/x?foo=1",
]


@pytest.mark.parametrize("url", USABLE)
def test_a_usable_address_passes_and_redis_py_takes_it(url: str) -> None:
    assert check_redis_url(url) == url
    ConnectionPool.from_url(url).make_connection()  # type: ignore[no-untyped-call] # redis-py's own


@pytest.mark.parametrize("url", UNUSABLE)
def test_another_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"^write redis://HOST:PORT/DATABASE") as refusal:
        check_redis_url(url)
    assert len(url) < 10 or url not in str(refusal.value)
