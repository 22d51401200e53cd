"""Upstreams by https: who is believed, and that all else is as without."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import trustme

from gateway.config.tls import upstream_tls_context
from gateway.errors import StartError
from tests.integration.gateway.client import request
from tests.integration.gateway.node import Node, running_node
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def serving(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """What a server shows that has a certificate for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
async def secured(authority: trustme.CA) -> AsyncIterator[Upstream]:
    """An upstream with a certificate for its address and for localhost."""
    async with Upstream(serving(authority, "127.0.0.1", "localhost")) as started:
        yield started


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_upstream_with_a_certificate_for_its_host_is_believed(
    start_node: StartNode, secured: Upstream, authority_file: Path, host: str
) -> None:
    node = await start_node(upstream_url=f"https://{host}:{secured.port}", upstream_ca=authority_file)
    async with await node.connect() as client:
        answers = [await client.get(), await client.get(method=b"POST", body=bytes(500_000))]

    assert [answer.body for answer in answers] == [b"ok", b"ok"]
    assert secured.bodies == [b"", bytes(500_000)]
    assert secured.connections <= 2  # one of them to look whether anybody is there


async def test_the_host_is_named_before_the_certificate_is_shown(
    start_node: StartNode, authority: trustme.CA, authority_file: Path
) -> None:
    named: list[str | None] = []
    context = serving(authority, "localhost")
    context.sni_callback = lambda _, name, __: named.append(name)
    async with Upstream(context) as secured:
        node = await start_node(upstream_url=f"https://localhost:{secured.port}", upstream_ca=authority_file)
        async with await node.connect() as client:
            assert (await client.get()).status == 200

    assert set(named) == {"localhost"}


async def test_a_certificate_for_another_host_is_refused(
    start_node: StartNode, authority: trustme.CA, authority_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Upstream(serving(authority, "service.example")) as secured:
        node = await start_node(upstream_url=secured.url, upstream_ca=authority_file)
        async with await node.connect() as client:
            assert (await client.get()).status == 502
        assert secured.requests == []

    assert "certificate is refused" in caplog.text
    assert "GATEWAY_UPSTREAM_CA" in caplog.text


async def test_a_certificate_of_somebody_unknown_is_refused(
    start_node: StartNode, secured: Upstream, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    for settings in ({}, {"upstream_ca": other}):
        node = await start_node(upstream_url=secured.url, **settings)
        async with await node.connect() as client:
            assert (await client.get()).status == 502

    assert secured.requests == []


@pytest.mark.parametrize("reset", [False, True], ids=["in order", "by a reset"])
@pytest.mark.parametrize("length", [b"Content-Length: 10\r\n", b""], ids=["with a length", "until close"])
async def test_an_answer_that_is_cut_off_below_tls_does_not_look_whole(
    start_node: StartNode, secured: Upstream, authority_file: Path, length: bytes, reset: bool
) -> None:
    """Without TLS' own word of the end, anybody on the way could have ended it (RFC 9112 §9.8)."""
    node = await start_node(upstream_url=secured.url, upstream_ca=authority_file)
    seen = asyncio.Event()

    async def script(peer: Peer) -> None:
        await secured.take(peer)
        await peer.send(b"HTTP/1.1 200 OK\r\n" + length + b"\r\nsome")
        await seen.wait()
        peer.reset() if reset else peer.writer.transport.abort()

    secured.script = script
    async with await node.connect() as client:
        await client.send(request())
        await client.head()
        seen.set()
        assert not (await client.rest()).endswith(b"0\r\n\r\n")

    assert (await node.settled()).boot.failed == 1


async def test_an_answer_until_close_is_whole_after_tls_own_end(
    start_node: StartNode, secured: Upstream, authority_file: Path
) -> None:
    node = await start_node(upstream_url=secured.url, upstream_ca=authority_file)

    async def script(peer: Peer) -> None:
        await secured.take(peer)
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nall")

    secured.script = script
    async with await node.connect() as client:
        assert (await client.get()).body == b"all"


async def test_http_and_https_stand_side_by_side(
    start_node: StartNode, upstream: Upstream, secured: Upstream, authority_file: Path
) -> None:
    node = await start_node(upstream_url=f"{upstream.url},{secured.url}", upstream_ca=authority_file)
    async with await node.connect() as client:
        assert [(await client.get()).status for _ in range(4)] == [200] * 4

    assert (len(upstream.requests), len(secured.requests)) == (2, 2)


@pytest.mark.parametrize("content", [None, b"", b"nonsense"], ids=["away", "empty", "no certificate"])
async def test_a_file_without_certificates_stops_the_start(
    upstream: Upstream, redis_url: str, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StartError, match="GATEWAY_UPSTREAM_CA"):
        async with running_node(upstream_url=upstream.url, redis_url=redis_url, upstream_ca=path):
            pass


def test_the_systems_authorities_are_read_once() -> None:
    assert upstream_tls_context(None) is upstream_tls_context(None)
