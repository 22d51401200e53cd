"""TLS at the front: what clients get, when the files change, and what is no TLS."""

import asyncio
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from gateway import listener
from gateway.config import tls
from gateway.errors import StartError
from loadtest.ports import free_port
from tests.certificates import NAME, Authority
from tests.integration.gateway.client import Client, request, within
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def node(start_node: StartNode, authority: Authority) -> Node:
    """A node that speaks TLS."""
    certificate, key = authority.sign()
    return await start_node(tls_cert=certificate, tls_key=key)


async def metric(node: Node, name: str) -> float:
    """A sample of the node's metrics."""
    _, text = await node.admin("/metrics")
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found is not None
    return float(found[1])


async def days_left(node: Node) -> float:
    """How long the certificate is valid that the node says it shows."""
    return (await metric(node, "gateway_certificate_expiry_timestamp_seconds") - time.time()) / 86400


async def counted(node: Node, name: str, number: int) -> None:
    await eventually(lambda: metric(node, name), lambda value: value == number)


async def test_requests_are_served_one_after_the_other(
    node: Node, authority: Authority, upstream: Upstream
) -> None:
    async with await Client.connect(node.port, authority.client()) as client:
        answers = [await client.get(), await client.get(method=b"POST", body=b"abc")]

    assert [answer.status for answer in answers] == [200, 200]
    assert upstream.bodies == [b"", b"abc"]


async def test_a_client_that_knows_no_more_than_a_library_does_is_served(
    node: Node, authority: Authority
) -> None:
    url = f"https://127.0.0.1:{node.port}/"
    tls = authority.client("h2", "http/1.1")
    async with (
        aiohttp.ClientSession(headers={"X-API-Key": "key-1"}) as session,
        session.get(url, ssl=tls, server_hostname=NAME) as response,
    ):
        assert (response.status, await response.text()) == (200, "ok")


async def test_big_bodies_go_both_ways(node: Node, authority: Authority, upstream: Upstream) -> None:
    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + bytes(3_000_000))

    upstream.script = script
    async with await Client.connect(node.port, authority.client()) as client:
        answer = await client.get(method=b"POST", body=bytes(3_000_000))

    assert len(answer.body) == len(upstream.bodies[0]) == 3_000_000


@pytest.mark.parametrize("line", [b"Connection: close", b"Content-Length: 5"])
async def test_the_end_is_told_and_comes(node: Node, authority: Authority, line: bytes) -> None:
    """Also where the rest of a body that nobody wants is awaited: TLS has no half-closed connections."""
    async with await Client.connect(node.port, authority.client()) as client:
        lines = (line,) if b"close" in line else (line, b"Expect: 100-continue")
        await client.send(request(b"/", *lines, key=None))
        answer = await client.answer()
        assert answer.closes
        assert answer.status == 401
        if b"close" in line:
            assert await client.rest() == b""


async def test_an_answer_that_breaks_off_is_seen_to_be_broken(
    node: Node, authority: Authority, upstream: Upstream
) -> None:
    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        peer.close()

    upstream.script = script
    async with await Client.connect(node.port, authority.client()) as client:
        await client.send(request())
        with pytest.raises(asyncio.IncompleteReadError):
            await client.answer()


async def test_a_client_of_http_2_alone_is_told_so_by_the_handshake(node: Node, authority: Authority) -> None:
    """No protocol is chosen, by which such a client sees that its own is not spoken (RFC 9113 §3.2)."""
    async with await Client.connect(node.port, authority.client("h2")) as client:
        tls = client.writer.get_extra_info("ssl_object")
        assert tls.selected_alpn_protocol() is None
        await client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert (await client.answer()).status in (400, 505)


@pytest.mark.parametrize(
    "sent", [request(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0" * 64], ids=["http", "http2", "nonsense"]
)
async def test_what_is_no_tls_is_closed_and_counted(
    node: Node, authority: Authority, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    async with await Client.connect(node.port) as client:
        await client.send(sent)
        assert b"HTTP" not in await client.rest()
    await counted(node, "gateway_tls_failed_total", 1)

    assert [
        record for record in caplog.records if record.name.startswith(("gateway.listener", "asyncio"))
    ] == []
    async with await Client.connect(node.port, authority.client()) as client:
        assert (await client.get()).status == 200


async def test_a_client_that_distrusts_us_is_counted(node: Node) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await Client.connect(node.port, ssl.create_default_context())
    await counted(node, "gateway_tls_failed_total", 1)


async def test_a_handshake_that_takes_too_long_is_given_up(
    start_node: StartNode, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "HANDSHAKE_SECONDS", 0.2)
    certificate, key = authority.sign()
    node = await start_node(tls_cert=certificate, tls_key=key)
    async with await Client.connect(node.port) as silent, await Client.connect(node.port) as slow:
        await slow.send(b"\x16\x03\x01")
        for client in (silent, slow):
            assert await client.rest() == b""
    await counted(node, "gateway_tls_failed_total", 2)


async def test_tls_where_none_is_spoken_is_refused(start_node: StartNode, authority: Authority) -> None:
    node = await start_node()
    with pytest.raises(OSError, match=r"WRONG_VERSION_NUMBER|RECORD_LAYER|reset|EOF"):
        await within(Client.connect(node.port, authority.client()))


async def test_new_files_are_for_new_connections(
    start_node: StartNode, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "POLL_SECONDS", 0.05)
    certificate, key = authority.sign()
    node = await start_node(tls_cert=certificate, tls_key=key)
    assert await days_left(node) == pytest.approx(90, abs=0.1)
    async with await Client.connect(node.port, authority.client()) as old:
        before = shown(old)
        authority.sign(days=(-1, 30))

        async def now_shown() -> bytes:
            async with await Client.connect(node.port, authority.client()) as client:
                assert (await client.get()).status == 200
                return shown(client)

        await eventually(now_shown, lambda certificate: certificate != before)
        assert (await old.get()).status == 200
        assert shown(old) == before
    assert await days_left(node) == pytest.approx(30, abs=0.1)


def shown(client: Client) -> bytes:
    """The certificate that the node showed."""
    certificate: bytes = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return certificate


async def test_new_files_lose_no_request(
    start_node: StartNode, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "POLL_SECONDS", 0.01)
    certificate, key = authority.sign()
    node = await start_node(tls_cert=certificate, tls_key=key, default_limit="1000000/m")
    seen: set[bytes] = set()

    async def client() -> None:
        while len(seen) < 4:
            async with await Client.connect(node.port, authority.client()) as connection:
                for _ in range(3):
                    assert (await connection.get()).status == 200
                seen.add(shown(connection))

    async def operator() -> None:
        while len(seen) < 4:
            authority.sign()
            await asyncio.sleep(0.1)

    await asyncio.wait_for(asyncio.gather(*(client() for _ in range(8)), operator()), 30)
    assert await metric(node, "gateway_tls_failed_total") == 0


async def test_files_that_cannot_be_used_end_the_start(start_node: StartNode, authority: Authority) -> None:
    certificate, _ = authority.sign()
    with pytest.raises(StartError, match=r"nowhere\.key: No such file or directory"):
        await start_node(tls_cert=certificate, tls_key=Path("nowhere.key"), port=free_port())
