"""Redis behind TLS: whom a node trusts, and what it shows. The servers of the operating system speak it."""

import asyncio
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.background import background
from gateway.contract.redis_url import parse_redis_url
from gateway.errors import REDIS_TROUBLE
from gateway.redis_endpoint import Endpoint
from loadtest import redis_server
from loadtest.ports import free_port
from loadtest.redis_server import RedisServer
from subject.telemetry.redis_client import connect
from tests.integration.gateway.node import eventually
from tests.integration.gateway.processes import node_process
from tests.integration.gateway.upstream import Upstream
from tests.integration.redis.conftest import OF_THE_SYSTEM
from tests.integration.redis.sentinels import SERVICE, client_of, pointed
from tests.integration.redis.watched import LIMIT, QUOTA, answers, decides_by_redis, fresh_key, store
from tests.integration.subject.publishing import subject

Closing = Callable[[], Awaitable[None]]

pytestmark = [
    pytest.mark.system,
    pytest.mark.usefixtures("server_program"),
    pytest.mark.parametrize("server_program", OF_THE_SYSTEM, indirect=True),
]


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a folder, with what it has signed."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """Of the authority itself."""
        return self.folder / "ca.pem"

    def sign(self, name: str, alternative: str) -> tuple[Path, Path]:
        """A certificate and its key."""
        key, request, signed = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(
            f"subjectAltName={alternative}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        )
        _openssl("req", "-new", *_NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        signing = ("-CA", self.certificate, "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        _openssl(
            "x509", "-req", "-in", request, *signing, "-days", "1", "-extfile", extensions, "-out", signed
        )
        return signed, key


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)  # noqa: S607 - as the caller's PATH has it


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A new one."""
    files = ("-keyout", tmp_path / "ca.key", "-out", tmp_path / "ca.pem")
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # from Python 3.13 on it has to be told
    _openssl("req", "-x509", *_NEW_KEY, *files, "-days", "1", "-subj", "/CN=authority", *usage)
    return Authority(tmp_path)


def by_tls(authority: Authority, port: int, alternative: str = "IP:127.0.0.1") -> tuple[str, ...]:
    """Options of a server that has a certificate for `alternative` at `port`."""
    certificate, key = authority.sign("server", alternative)
    files = (
        "--tls-cert-file",
        certificate,
        "--tls-key-file",
        key,
        "--tls-ca-cert-file",
        authority.certificate,
    )
    return ("--tls-port", str(port), *map(str, files))


@contextmanager
def server(authority: Authority, *options: str, alternative: str = "IP:127.0.0.1") -> Iterator[RedisServer]:
    """One by its TLS port."""
    port = free_port()
    with redis_server.running(*by_tls(authority, port, alternative), *options) as running:
        yield replace(running, port=port)


@contextmanager
def frozen(server: RedisServer) -> Iterator[None]:
    """While it lasts the server takes what comes, and says nothing."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def settings(url: str, upstream: Upstream) -> dict[str, str]:
    """Of a node."""
    return {"REDIS_URL": url, "GATEWAY_UPSTREAM_URL": upstream.url, "GATEWAY_DEFAULT_LIMIT": LIMIT}


async def test_a_server_and_a_client_that_show_certificates_trust_each_other(
    authority: Authority, upstream: Upstream, tmp_path: Path
) -> None:
    certificate, key = authority.sign("client", "DNS:node-1")
    shown = f"ssl_ca_certs={authority.certificate}&ssl_certfile={certificate}&ssl_keyfile={key}"
    with server(authority, "--tls-auth-clients", "yes") as redis:
        url = f"rediss://127.0.0.1:{redis.port}/1?{shown}"
        async with node_process(tmp_path, **settings(url, upstream)) as node:
            await decides_by_redis(node)
            assert await answers(node, QUOTA + 3, fresh_key()) == Counter({200: QUOTA, 429: 3})
            seen = await subject("status", redis_url=url)

    assert (seen.code, seen.err) == (0, "")


@pytest.mark.parametrize(
    ("query", "alternative", "told"),
    [
        ("", "IP:127.0.0.1", "its certificate is refused: self-signed certificate in certificate chain"),
        ("?ssl_ca_certs={ca}", "DNS:redis.example", "its certificate is refused: IP address mismatch"),
        ("?ssl_ca_certs={ca}", "IP:127.0.0.1", "certificate required"),
    ],
    ids=["of nobody known", "of another host", "a client without one"],
)
async def test_a_node_that_is_not_trusted_or_does_not_trust_says_so_and_serves(
    authority: Authority, upstream: Upstream, tmp_path: Path, query: str, alternative: str, told: str
) -> None:
    with server(authority, "--tls-auth-clients", "yes", alternative=alternative) as redis:
        url = f"rediss://127.0.0.1:{redis.port}/0{query.format(ca=authority.certificate)}"
        async with node_process(tmp_path, **settings(url, upstream)) as node:
            assert await answers(node, QUOTA + 3, fresh_key()) == Counter({200: QUOTA, 429: 3})
            await eventually(partial(store, node), lambda seen: told in seen.trouble)
            log = node.log.read_text()

    assert log.count(told) == 1, log
    assert "Traceback" not in log


async def test_checks_can_be_left_out(authority: Authority, upstream: Upstream, tmp_path: Path) -> None:
    with server(authority, "--tls-auth-clients", "no", alternative="DNS:redis.example") as redis:
        for query in ("ssl_cert_reqs=none", f"ssl_ca_certs={authority.certificate}&ssl_check_hostname=false"):
            url = f"rediss://127.0.0.1:{redis.port}/0?{query}"
            async with node_process(tmp_path, **settings(url, upstream)) as node:
                await decides_by_redis(node)


async def answering(client: Redis) -> int | None:
    """The process that answers, if one does in time."""
    try:
        return int((await client.info("server"))["process_id"])
    except REDIS_TROUBLE:
        return None


def of_a_node(url: str) -> tuple[Redis, Closing]:
    """Its client, and how that is closed."""
    endpoint = Endpoint(parse_redis_url(url))
    return endpoint.client(), endpoint.aclose


def of_the_subject(url: str) -> tuple[Redis, Closing]:
    """Its client, and how that is closed."""
    client = connect(url, timeout_seconds=1.0)
    return client, client.aclose


@pytest.mark.parametrize("opened", [of_a_node, of_the_subject])
async def test_connections_to_a_server_that_hangs_are_closed_without_a_fault(
    authority: Authority, opened: Callable[[str], tuple[Redis, Closing]]
) -> None:
    with server(authority, "--tls-auth-clients", "no") as redis:
        url = f"rediss://127.0.0.1:{redis.port}/0?ssl_ca_certs={authority.certificate}"
        client, close = opened(url)
        await eventually(lambda: asyncio.gather(answering(client), answering(client)), all)
        with frozen(redis):
            await close()
        async with client_of(redis) as direct:
            await eventually(direct.client_list, lambda seen: len(seen) == 1)


async def test_a_master_that_hangs_is_left_for_the_one_that_the_sentinels_name(authority: Authority) -> None:
    options, tls_port = ("--tls-auth-clients", "no", "--tls-replication", "yes"), free_port()
    with (
        server(authority, *options) as first,
        server(authority, *options) as second,
        pointed(first.port, *by_tls(authority, tls_port), *options) as sentinel,
    ):
        url = f"rediss+sentinel://127.0.0.1:{tls_port}/{SERVICE}?ssl_ca_certs={authority.certificate}"
        endpoint = Endpoint(parse_redis_url(url))
        client = endpoint.client()

        async with background(endpoint.follow):
            await eventually(partial(answering, client), lambda pid: pid == first.pid)
            transport, _ = await endpoint.connect(asyncio.Protocol)

            async def is_left() -> bool:
                return transport.is_closing()

            with frozen(first):
                await sentinel.at(second.port)
                await eventually(partial(answering, client), lambda pid: pid == second.pid)
                await eventually(is_left, bool)
        await endpoint.aclose()
