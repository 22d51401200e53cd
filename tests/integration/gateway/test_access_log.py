"""What became of requests is told, of a share of them, truly, and without what is nobody's business."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.logs import ACCESS
from tests.integration.gateway.client import Client, request
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.processes import node_process
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
Line = dict[str, Any]
Told = Callable[[int], Awaitable[list[Line]]]

HARDLY_ANY = 1e-9
ANSWERS = {
    b"/good": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    b"/busy": b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    b"/short": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nshort",
}


@pytest.fixture
def told(log: Callable[[], list[Line]], caplog: pytest.LogCaptureFixture) -> Told:
    """The lines of the access log, as soon as there are so many."""
    caplog.set_level(logging.INFO, ACCESS)

    async def accesses() -> list[Line]:
        return [line for line in log() if line["logger"] == ACCESS]

    async def wait(count: int) -> list[Line]:
        return await eventually(accesses, lambda lines: len(lines) >= count)

    return wait


async def bytes_of(client: Client, data: bytes) -> int:
    """How many bytes are answered to a request after which the connection ends."""
    await client.send(data)
    return len(await client.rest())


async def test_nothing_is_told_where_nothing_is_set(node: Node, told: Told) -> None:
    async with await node.connect() as client:
        assert (await client.get()).status == 200
        assert (await client.get(key=None)).status == 401
    await node.settled()

    assert await told(0) == []


async def test_a_line_says_what_became_of_a_request(
    start_node: StartNode, upstream: Upstream, told: Told
) -> None:
    node = await start_node(access_log=1)
    async with await node.connect() as client:
        data = request(b"/a?secret=1", b"Connection: close", method=b"POST", body=b"12345")
        received = await bytes_of(client, data)
    (line,) = await told(1)

    (request_id,) = upstream.requests[-1].values("X-Request-Id")
    assert line["request_id"] == request_id.decode()
    assert line["client"].startswith("k_")
    assert 0 < line["store_seconds"] + line["upstream_seconds"] <= line["seconds"]
    shown = ("address", "method", "path", "status", "outcome", "bytes_in", "bytes_out")
    assert {name: line[name] for name in shown} == {
        "address": "127.0.0.1",
        "method": "POST",
        "path": "/a",
        "status": 200,
        "outcome": "admitted",
        "bytes_in": 5,
        "bytes_out": received,
    }


async def test_bytes_are_those_that_the_client_sees_whatever_their_framing(
    start_node: StartNode, upstream: Upstream, told: Told
) -> None:
    chunks = b"5\r\n12345\r\n10\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n"
    upstream.script = upstream.answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    node = await start_node(access_log=1)
    lines = (b"Transfer-Encoding: chunked", b"Expect: 100-continue", b"Connection: close")
    async with await node.connect() as client:
        await client.send(request(b"/", *lines, method=b"PUT"))
        await client.head()
        continued = len(b"HTTP/1.1 100 Continue\r\n\r\n")
        received = await bytes_of(client, chunks)
    (line,) = await told(1)

    assert (line["bytes_in"], line["bytes_out"]) == (21, continued + received)


async def test_bytes_are_also_those_of_interim_answers(
    start_node: StartNode, upstream: Upstream, told: Told
) -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    upstream.script = upstream.answering(hint + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    node = await start_node(access_log=1)
    received = []
    for _ in range(2):  # over a new connection, and a kept one
        async with await node.connect() as client:
            await client.send(request(b"/", b"Connection: keep-alive"))
            received.append(len(await client.reader.readuntil(b"\r\n\r\nok")))

    assert [line["bytes_out"] for line in await told(2)] == received


async def test_own_answers_are_told_with_what_they_took(start_node: StartNode, told: Told) -> None:
    node = await start_node(access_log=1, default_limit="1/h", upstream_url="http://127.0.0.1:1")
    sent = [
        request(b"/", b"Connection: close", key=None),
        request(b"/", b"Connection: close"),
        request(b"/", b"Connection: close"),
        request(b"/", b"Bad Name: 1"),
        request(b"/", b"Connection: close", method=b"HEAD", key=None),
    ]
    received = []
    for data in sent:
        async with await node.connect() as client:
            received.append(await bytes_of(client, data))
    lines = await told(5)

    assert [(line["method"], line["path"], line["status"], line["outcome"]) for line in lines] == [
        ("GET", "/", 401, "unidentified"),
        ("GET", "/", 502, "failed"),
        ("GET", "/", 429, "refused"),
        ("GET", "", 400, "malformed"),
        ("HEAD", "/", 401, "unidentified"),
    ]
    assert [line["bytes_out"] for line in lines] == received
    assert [line["store_seconds"] is None for line in lines] == [True, False, False, True, True]
    assert {line["upstream_seconds"] for line in lines} == {None}


async def test_who_could_not_be_decided_about_is_told_too(start_node: StartNode, told: Told) -> None:
    node = await start_node(access_log=1, on_store_failure="closed", redis_url="redis://127.0.0.1:1/0")
    async with await node.connect() as client:
        assert (await client.get()).status == 503
    (line,) = await told(1)

    assert (line["status"], line["outcome"]) == (503, "failed")
    assert line["client"].startswith("k_")
    assert line["store_seconds"] is not None


async def test_where_the_client_left_before_an_answer_the_status_is_0(
    start_node: StartNode, upstream: Upstream, told: Told
) -> None:
    async def silent(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.gone()

    upstream.script = silent
    node = await start_node(access_log=1)
    async with await node.connect() as client:
        await client.send(request())

        async def arrived() -> int:
            return len(upstream.requests)

        await eventually(arrived, lambda count: count == 1)
    (line,) = await told(1)

    assert (line["status"], line["outcome"], line["bytes_out"]) == (0, "admitted", 0)
    assert line["upstream_seconds"] is None


async def test_whatever_the_share_each_that_failed_is_told(
    start_node: StartNode, upstream: Upstream, told: Told
) -> None:
    async def answer(peer: Peer) -> None:
        target = (await upstream.take(peer)).start_line.split(b" ")[1]
        await peer.send(ANSWERS[target])

    upstream.script = answer
    node = await start_node(access_log=HARDLY_ANY, max_body_bytes=3)
    async with await node.connect() as client:
        assert (await client.get(b"/", method=b"POST", body=b"much")).status == 413  # the client's own doing
    async with await node.connect() as client:
        assert (await client.get(b"/", b"Via: 1.1 node-1")).status == 508  # this too
    async with await node.connect() as client:
        assert (await client.get(b"/", method=b"BREW")).status == 501  # and this
    for target in ANSWERS:
        async with await node.connect() as client:
            await bytes_of(client, request(target, b"Connection: close"))
    lines = await told(2)

    shown = [(line["path"], line["status"], line["outcome"]) for line in lines]
    assert shown == [("/busy", 503, "admitted"), ("/short", 200, "failed")]


async def test_what_is_logged_in_the_course_of_a_request_says_of_which(
    start_node: StartNode, log: Callable[[], list[Line]]
) -> None:
    node = await start_node(upstream_url="http://127.0.0.1:1", trusted_proxies="127.0.0.1")
    async with await node.connect() as client:
        assert (await client.get(b"/", b"X-Request-Id: mine-1")).status == 502

    (line,) = [line for line in log() if "request_id" in line]
    assert line["level"] == "warning"
    assert line["request_id"] == "mine-1"
    assert line["client"].startswith("k_")


async def test_a_node_writes_its_access_log_also_where_only_errors_are_wanted(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    settings = {
        "GATEWAY_UPSTREAM_URL": upstream.url,
        "REDIS_URL": redis_url,
        "GATEWAY_ACCESS_LOG": "1",
        "GATEWAY_LOG_LEVEL": "error",
    }
    async with node_process(tmp_path, **settings) as node, await node.connect() as client:
        answer = await client.get(b"/a%0aERROR?password", b"X-Request-Id: mine-1", key=b"secret-key")

        async def logged() -> str:
            return node.log.read_text()

        text = await eventually(logged, lambda text: text.endswith("\n"))

    request_id = (answer.value("X-Request-Id") or b"").decode()
    assert text.count("\n") == 1
    assert f"INFO    [{request_id} k_" in text
    assert "] 127.0.0.1 GET /a%0aERROR 200 admitted in=0 out=" in text
    assert not [secret for secret in ("password", "secret-key", "mine-1") if secret in text]
