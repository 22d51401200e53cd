"""The dummy upstream over real sockets."""

import asyncio
import hashlib
import json
import time
from pathlib import Path

import aiohttp
import pytest

from loadtest import followed_file, upstream, upstream_log
from loadtest.upstream_behaviour import Behaviour


def logged(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


async def test_its_log_has_who_asked_for_what_when_through_which_node(tmp_path: Path) -> None:
    log = tmp_path / "log"
    before = time.time()
    async with upstream.running("127.0.0.1", 0, log) as url, aiohttp.ClientSession() as session:
        headers = {"X-API-Key": "secret-1", "Via": "1.0 edge, 1.1 node-2"}
        async with session.get(f"{url}/a%2Fb?c=%20d", headers=headers) as response:
            assert response.status == 200
            assert response.content_length == len(await response.read()) > 0
        async with session.get(f"{url}/") as response:
            await response.read()
    first, second = logged(log)
    assert before <= first.pop("at") <= time.time()  # type: ignore[operator]  # JSON's numbers are objects here
    assert first == {
        "node": "node-2",
        "key": hashlib.sha256(b"secret-1").hexdigest(),
        "target": "/a%2Fb?c=%20d",
    }
    assert (second["node"], second["key"], second["target"]) == (None, None, "/")
    assert "secret-1" not in log.read_text()


async def test_it_is_slow_or_fails_while_its_file_says_so(tmp_path: Path) -> None:
    file = tmp_path / "behaviour"
    async with upstream.running("127.0.0.1", 0, None, file) as url, aiohttp.ClientSession() as session:

        async def told(behaviour: Behaviour) -> tuple[int, float]:
            """Status, and the time that an answer took."""
            followed_file.replace(file, behaviour)
            await asyncio.sleep(3 * upstream.FOLLOW_SECONDS)
            started = time.monotonic()
            async with session.get(url) as answer:
                await answer.read()
                return answer.status, time.monotonic() - started

        status, _ = await told(Behaviour(failing_ratio=1.0))
        assert status == 500
        status, seconds = await told(Behaviour(delay_seconds=0.3))
        assert status == 200
        assert seconds >= 0.3
        status, seconds = await told(Behaviour())
        assert status == 200
        assert seconds < 0.3


async def test_a_file_that_cannot_be_read_is_told_once_and_followed_when_it_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "behaviour"
    file.write_text('{"failing_ratio"')
    async with upstream.running("127.0.0.1", 0, None, file) as url, aiohttp.ClientSession() as session:
        await asyncio.sleep(3 * upstream.FOLLOW_SECONDS)
        async with session.get(url) as answer:
            assert answer.status == 200
        followed_file.replace(file, Behaviour(failing_ratio=1.0))
        await asyncio.sleep(3 * upstream.FOLLOW_SECONDS)
        async with session.get(url) as answer:
            assert answer.status == 500

    assert capsys.readouterr().err.count(f"{file} is not followed") == 1


async def test_the_log_is_complete_at_the_end_and_soon_before(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with upstream.running("127.0.0.1", 0, log) as url, aiohttp.ClientSession() as session:

        async def ask(number: int) -> None:
            async with session.get(f"{url}/{number}") as response:
                await response.read()

        await asyncio.gather(*(ask(number) for number in range(200)))
        await asyncio.sleep(3 * upstream_log.FLUSH_SECONDS)
        assert len(logged(log)) == 200
        await ask(200)
    assert {line["target"] for line in logged(log)} == {f"/{number}" for number in range(201)}


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_is_read_and_the_connection_kept(chunked: bool, tmp_path: Path) -> None:
    framing = b"Transfer-Encoding: chunked\r\n" if chunked else b"Content-Length: 5\r\n"
    body = b"5\r\nhello\r\n0\r\n\r\n" if chunked else b"hello"
    async with upstream.running("127.0.0.1", 0, tmp_path / "log") as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(2):
            writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n" + body)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            await reader.readexactly(len(upstream.BODY))
        writer.close()
    assert len(logged(tmp_path / "log")) == 2


async def test_a_log_goes_on_where_it_was(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for _ in range(2):
        async with upstream.running("127.0.0.1", 0, log) as url, aiohttp.request("GET", url) as response:
            await response.read()
    assert len(logged(log)) == 2


async def test_without_a_log_it_answers_all_the_same() -> None:
    async with upstream.running("127.0.0.1", 0, None) as url, aiohttp.request("GET", url) as response:
        assert response.status == 200


async def test_a_file_that_cannot_be_reached_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / ("x" * 300)
    async with upstream.running("127.0.0.1", 0, None, nowhere):
        await asyncio.sleep(5 * upstream.FOLLOW_SECONDS)
    assert capsys.readouterr().err == f"loadtest: {nowhere} is not followed: File name too long\n"
