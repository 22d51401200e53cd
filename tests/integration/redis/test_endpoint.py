"""What the endpoint connects to: each connection says the greeting and then asks a real server."""

import asyncio
import socket
from pathlib import Path

import pytest

from gateway.contract.redis_url import parse_redis_url
from gateway.errors import StartError, StoreUnavailable
from gateway.redis_endpoint import CONNECT_SECONDS, Endpoint
from loadtest import redis_server
from loadtest.ports import free_port


def endpoint(url: str) -> Endpoint:
    """The one of a URL."""
    return Endpoint(parse_redis_url(url))


async def said(to: Endpoint, *commands: tuple[str | int, ...]) -> list[str]:
    """The one-line replies to the greeting and then to these commands."""
    reader = asyncio.StreamReader()
    transport, protocol = await to.connect(lambda: asyncio.StreamReaderProtocol(reader))
    writer = asyncio.StreamWriter(transport, protocol, reader, asyncio.get_running_loop())
    replies = []
    for command in (*to.greeting, *commands):
        words = [str(word).encode() for word in command]
        packed = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
        writer.write(b"*%d\r\n%b" % (len(words), packed))
        replies.append((await asyncio.wait_for(reader.readline(), 5)).decode().rstrip())
    writer.close()
    return replies


async def test_a_server_is_reached_with_password_and_database() -> None:
    with redis_server.running("--requirepass", "s3:cret@") as server:
        to = endpoint(f"redis://:s3%3Acret%40@127.0.0.1:{server.port}/3")

        assert await said(to, ("INCR", "here")) == ["+OK", "+OK", ":1"]
        async with to.client() as client:
            assert await client.get("here") == "1"


async def test_a_server_is_reached_by_its_socket_with_user_and_database(tmp_path: Path) -> None:
    path, users = tmp_path / "redis socket", tmp_path / "users.acl"
    users.write_text("user ann on >pw ~* +@all\n")
    with redis_server.running("--unixsocket", str(path), "--aclfile", str(users)):
        to = endpoint(f"unix://ann:pw@{str(path).replace(' ', '%20')}?db=2")

        assert await said(to, ("INCR", "here")) == ["+OK", "+OK", ":1"]
        async with to.client() as client:
            assert await client.get("here") == "1"


async def test_a_tcp_connection_sends_at_once_and_is_kept_alive(redis_url: str) -> None:
    transport, _ = await endpoint(redis_url).connect(asyncio.Protocol)

    connected = transport.get_extra_info("socket")
    assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    transport.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis://:s3cret@127.0.0.1:{port}/0", "127.0.0.1:{port}: connection refused"),
        ("unix://:s3cret@/nowhere/redis.sock", "/nowhere/redis.sock: no such file or directory"),
        (
            "redis+sentinel://:s3cret@127.0.0.1:{port}/main",
            "main (sentinels 127.0.0.1:{port}): no sentinel names a master: connection refused",
        ),
    ],
)
async def test_where_nobody_is_the_sentence_says_where_and_why(url: str, sentence: str) -> None:
    port = free_port()

    with pytest.raises(StoreUnavailable) as failure:
        await endpoint(url.format(port=port)).connect(asyncio.Protocol)

    assert str(failure.value) == sentence.format(port=port)


@pytest.mark.parametrize("form", ["rediss://127.0.0.1:{port}", "redis+sentinel://127.0.0.1:{port}/main"])
async def test_one_that_says_nothing_is_given_up_in_time(form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        loop = asyncio.get_running_loop()
        started = loop.time()
        with pytest.raises(StoreUnavailable):
            await endpoint(form.format(port=silent.getsockname()[1])).connect(asyncio.Protocol)

    assert loop.time() - started < CONNECT_SECONDS + 0.5


def test_a_certificate_that_cannot_be_read_stops_the_start() -> None:
    with pytest.raises(StartError, match=r"^REDIS_URL: cannot use /nowhere/ca.pem: No such file") as stop:
        endpoint("rediss://:s3cret@h?ssl_ca_certs=/nowhere/ca.pem")

    assert stop.value.exit_code == 2
