"""Connections to the dashboard that are too many, too slow, or send what cannot be read."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, web
from redis.asyncio import Redis

from subject import settings
from subject.dashboard import app, server, watcher
from tests.integration.gateway.node import eventually
from tests.integration.subject.publishing import publish_cluster
from tests.integration.subject.serving import TOKEN, events
from tests.unit.subject.builders import always, even


async def test_who_watches_and_takes_nothing_is_let_go(
    redis_client: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "SEND_SECONDS", 0.2)
    monkeypatch.setattr(watcher, "INTERVAL_SECONDS", 0.02)
    monkeypatch.setattr(watcher, "REST", 0)
    await publish_cluster(redis_client, even(always(60), nodes=30), 60)
    runner = web.AppRunner(app.application(settings.load(REDIS_URL=redis_url)))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    async def connections() -> list[Any]:
        assert runner.server is not None
        return list(runner.server.connections)

    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(tuple(runner.addresses[0]))
        stalled.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        (held,) = await eventually(connections, len)
        held.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await eventually(connections, lambda those: not those)
        await runner.cleanup()


async def test_more_connections_than_there_may_be_are_closed_and_the_others_go_on(
    redis_client: Redis, redis_url: str, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    await publish_cluster(redis_client, even(always(60)), 60)
    async with server.listening(settings.load(REDIS_URL=redis_url, port=0)) as port:
        async with events(http, f"http://127.0.0.1:{port}") as watching:
            await watching.next()
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            reader, _ = more = await asyncio.open_connection("127.0.0.1", port)
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 20) == b""
            assert (await watching.next())["trouble"] == ""
        for _, writer in (*idle, more):
            writer.close()

        async def answered() -> bool:
            try:
                async with http.get(f"http://127.0.0.1:{port}/") as answer:
                    return answer.status == 200
            except ClientError:
                return False

        assert await eventually(answered, bool)


async def test_who_needs_too_long_for_a_request_is_let_go(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.2)
    async with server.listening(settings.load(REDIS_URL=redis_url, port=0)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


async def test_a_malformed_request_is_logged_nowhere(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad = f"POST /changes/set HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\nX: y\r\n\r\n"
    async with server.listening(settings.load(REDIS_URL=redis_url, port=0, token=TOKEN)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(bad.encode())
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 20)
        writer.close()

    assert answer.split()[1] == b"400"
    assert TOKEN not in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "rest",
    [
        "Content-Length: 50\r\n\r\n{",
        "Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
)
async def test_a_form_that_breaks_off_is_logged_nowhere(
    redis_url: str, caplog: pytest.LogCaptureFixture, rest: str
) -> None:
    head = f"POST /changes/set HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
    async with server.listening(settings.load(REDIS_URL=redis_url, port=0, token=TOKEN)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{head}Content-Type: application/json\r\n{rest}".encode())
        writer.write_eof()
        with suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 20)
        writer.close()

    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("key", [TOKEN, "x"])
async def test_a_body_that_is_not_compressed_as_it_says_is_logged_nowhere(
    redis_url: str, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    head = f"POST /changes/set HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
    body = "Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!"
    async with server.listening(settings.load(REDIS_URL=redis_url, port=0, token=TOKEN)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{head}Content-Type: application/json\r\n{body}".encode())
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()

    assert answer.split()[1] in (b"400", b"401")
    assert "Traceback" not in caplog.text
