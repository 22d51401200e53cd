"""The simulated Redis answers as a real one does, byte for byte."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from urllib.parse import urlsplit

import hiredis
import pytest
import redis.asyncio as redis_asyncio

from tests.model.store import Command, Store

KEYS = (b"a", b"{b}:client:60:0", b"text")
FIELDS = (b"1", b"2", b"28333333", b"-3", b"x")
NUMBERS = (b"1", b"-1", b"5", b"0", b"9223372036854775807", b"-9223372036854775808", b"01", b"1.5", b"x", b"")


@contextmanager
def connection(url: str) -> Iterator[socket.socket]:
    """To a real server, which speaks RESP2 to whom says nothing else."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=5) as connected:
        yield connected


def packed(command: Command) -> bytes:
    """As a client sends it."""
    return b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in command)


def ask(connected: socket.socket, command: Command) -> bytes:
    """The reply as it comes over the wire."""
    connected.sendall(packed(command))
    reader, reply = hiredis.Reader(), b""
    while True:
        data = connected.recv(65_536)
        reply += data
        reader.feed(data)
        if reader.gets() is not False:
            return reply


def some_command(random: Random) -> Command:
    key, field = random.choice(KEYS), random.choice(FIELDS)
    number = random.choice(NUMBERS)
    name = random.choice(
        (b"HINCRBY", b"HINCRBY", b"hincrby", b"HGETALL", b"HMGET", b"HGET", b"HSET", b"HDEL")
    )
    match name:
        case b"HINCRBY" | b"hincrby":
            return (name, key, field, number)
        case b"HGETALL":
            return random.choice(((name, key), (name, key), (name,)))
        case b"HGET":
            return (name, key, field)
        case b"HSET":
            return (name, key, field, number)
        case _:
            return (name, key, field, *random.sample(FIELDS, random.randrange(3)))


def about_keys(random: Random) -> Command:
    key = random.choice(KEYS)
    return random.choice(
        (
            (b"PEXPIRE", key, random.choice((b"100000", b"0", b"-1", b"x"))),
            (b"PEXPIRE", key),
            (b"SET", key, b"text"),
            (b"PING",),
            (b"PING", b"hello"),
            (b"SELECT", b"0"),
            (b"HINCRBY", key, b"1"),
        )
    )


@pytest.mark.parametrize("seed", range(20))
def test_it_answers_as_a_real_server_does(
    redis_url: str, redis_client: redis_asyncio.Redis, seed: int
) -> None:
    random = Random(seed)
    store = Store()
    with connection(redis_url) as connected:
        for _ in range(300):
            command = about_keys(random) if random.random() < 0.15 else some_command(random)
            assert store.execute(command, 0) == ask(connected, command), command


def test_a_key_is_gone_when_its_time_is_over() -> None:
    store = Store()
    store.execute((b"HINCRBY", b"k", b"1", b"5"), 1_000_000)
    store.execute((b"PEXPIRE", b"k", b"500"), 1_000_000)

    assert store.execute((b"PTTL", b"k"), 1_400_000) == b":100\r\n"
    assert store.execute((b"HGET", b"k", b"1"), 1_500_999) == b"$1\r\n5\r\n"
    assert store.execute((b"HINCRBY", b"k", b"1", b"1"), 1_501_000) == b":1\r\n"
    assert store.expired == [(1_500, b"k", {b"1": b"5"})]
    assert store.execute((b"PTTL", b"k"), 1_501_000) == b":-1\r\n"


def test_it_tells_its_time_in_seconds_and_microseconds() -> None:
    assert (
        Store().execute((b"TIME",), 1_700_000_000_123_456) == b"*2\r\n$10\r\n1700000000\r\n$6\r\n123456\r\n"
    )
