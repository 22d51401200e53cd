"""Which addresses of a Redis pass the settings' check, what they say, and that redis-py takes that."""

import pytest
from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel

from gateway.contract.redis_url import RedisTarget, Tls, check_redis_url, parse_redis_url

USABLE = {
    "redis://127.0.0.1": RedisTarget((("127.0.0.1", 6379),)),
    "redis://127.0.0.1:6379": RedisTarget((("127.0.0.1", 6379),)),
    "redis://127.0.0.1:6379/": RedisTarget((("127.0.0.1", 6379),)),
    "redis://redis.internal:6379/3": RedisTarget((("redis.internal", 6379),), database=3),
    "redis://:secret@h:1/0": RedisTarget((("h", 1),), password="secret"),
    "redis://user@h:1/0": RedisTarget((("h", 1),), username="user"),
    "redis://us%3Aer:p%40s+s@h:1/0": RedisTarget((("h", 1),), username="us:er", password="p@s+s"),
    "redis://:p:a:s@h": RedisTarget((("h", 6379),), password="p:a:s"),
    "redis://:@h": RedisTarget((("h", 6379),)),
    "redis://[::1]:6379/0": RedisTarget((("::1", 6379),)),
    "redis://[::1]": RedisTarget((("::1", 6379),)),
    "REDISS://h:6380/0": RedisTarget((("h", 6380),), tls=Tls()),
    "rediss://h?ssl_ca_certs=/etc/my%20ca.pem&ssl_check_hostname=False": RedisTarget(
        (("h", 6379),), tls=Tls(ssl_ca_certs="/etc/my ca.pem", ssl_check_hostname=False)
    ),
    "rediss://h/1?ssl_certfile=c.pem&ssl_keyfile=k.pem&ssl_cert_reqs=none": RedisTarget(
        (("h", 6379),),
        database=1,
        tls=Tls(ssl_certfile="c.pem", ssl_keyfile="k.pem", ssl_cert_reqs="none"),
    ),
    "unix:///run/redis.sock": RedisTarget(path="/run/redis.sock"),
    "unix:///run/redis.sock?db=2": RedisTarget(path="/run/redis.sock", database=2),
    "unix://user:secret@/run/my%20redis.sock": RedisTarget(
        path="/run/my redis.sock", username="user", password="secret"
    ),
    "redis+sentinel://a/main": RedisTarget((("a", 26379),), service="main"),
    "redis+sentinel://u:p@a:1,[::1]:2,c/main/4": RedisTarget(
        (("a", 1), ("::1", 2), ("c", 26379)), service="main", database=4, username="u", password="p"
    ),
    "rediss+sentinel://a/main?sentinel_username=s&sentinel_password=p%26q&ssl_ca_certs=ca": RedisTarget(
        (("a", 26379),),
        service="main",
        tls=Tls(ssl_ca_certs="ca"),
        sentinel_username="s",
        sentinel_password="p&q",
    ),
}
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
    "redis://h/0?db=1",
    "redis://h?password=secret",
    "redis://a b/0",
    "redis://a,b/0",
    "redis://:%ff@h",
    "rediss://h?ssl_ca_certs=",
    "rediss://h?ssl_ca_certs=a&ssl_ca_certs=b",
    "rediss://h?sentinel_password=secret",
    "unix://",
    "unix:///run/x?foo=1",
    "unix:///run/x?db=a",
    "redis+sentinel://a:26379",
    "redis+sentinel://a,/main",
    "redis+sentinel://a:0/main",
    "redis+sentinel:///main",
]
CONTRADICTIONS = {
    "redis://:secret@h?ssl_cert_reqs=none": "ssl_… options go with rediss:// or rediss+sentinel://",
    "rediss://:secret@h?ssl_cert_reqs=maybe": "ssl_cert_reqs is required, optional or none",
    "rediss://:secret@h?ssl_check_hostname=2": "ssl_check_hostname is true or false",
    "rediss://:secret@h?ssl_keyfile=k": "ssl_keyfile is the key of an ssl_certfile: name that too",
}


@pytest.mark.parametrize(("url", "target"), USABLE.items())
def test_a_usable_address_passes_and_redis_py_takes_it(url: str, target: RedisTarget) -> None:
    assert check_redis_url(url) == url
    assert parse_redis_url(url) == target
    if target.service is None:
        Redis(**target.options()).connection_pool.make_connection()  # type: ignore[no-untyped-call] # redis-py's own
    else:
        sentinel = Sentinel(target.addresses, sentinel_kwargs=target.sentinel_options())  # type: ignore[no-untyped-call] # redis-py's own
        for client in (sentinel.sentinels[0], sentinel.master_for(target.service, **target.options())):
            client.connection_pool.make_connection()


@pytest.mark.parametrize("url", UNUSABLE)
def test_another_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"^write redis://HOST:PORT/DATABASE") as refusal:
        check_redis_url(url)
    assert len(url) < 10 or url not in str(refusal.value)


@pytest.mark.parametrize(("url", "sentence"), CONTRADICTIONS.items())
def test_an_option_that_cannot_be_followed_is_named(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"^ssl_") as refusal:
        check_redis_url(url)
    assert str(refusal.value) == sentence


def test_a_target_shows_no_password() -> None:
    target = parse_redis_url("redis+sentinel://u:s3cret@a,[::1]:2/main?sentinel_password=s3cret")

    assert "s3cret" not in repr(target) + target.place


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://:pw@h:1/3", "h:1"),
        ("rediss://[::1]", "[::1]:6379"),
        ("unix://:pw@/run/r.sock", "/run/r.sock"),
        ("redis+sentinel://a,b:2/main", "main (sentinels a:26379, b:2)"),
    ],
)
def test_a_place_says_where_it_is(url: str, place: str) -> None:
    assert parse_redis_url(url).place == place
