"""The configuration of nginx that the page shows, with Debian's nginx in front of a node that trusts it."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from loadtest.ports import free_port
from tests.integration.gateway.client import Answer, Client, within
from tests.integration.gateway.handshakes import open_tunnel
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Upstream

pytestmark = pytest.mark.system

StartNode = Callable[..., Awaitable[Node]]

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "proxy.md").read_text()
TOLD, SWITCHING = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
WITH_WEBSOCKETS = TOLD.replace('proxy_set_header Connection "";', SWITCHING)
(MAP,) = re.findall(r"`(map .*?)`", PAGE)
CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    {map} access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream nodes {{ server 127.0.0.1:{node}; keepalive 4; }}
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://nodes; {told} }} }}
}}
"""


@pytest.fixture
async def nginx(start_node: StartNode, tmp_path: Path) -> AsyncIterator[int]:
    """A port of nginx', which stands in front of a node that takes addresses for clients."""
    node = await start_node(
        anonymous="address", default_limit="1/h", trusted_proxies="127.0.0.1", allow="127.0.0.2"
    )
    async with running_nginx(node, tmp_path, TOLD) as port:
        yield port


@asynccontextmanager
async def running_nginx(node: Node, folder: Path, told: str) -> AsyncIterator[int]:
    """Its port."""
    program = shutil.which("nginx")
    assert program, "apt install nginx"
    port = free_port()
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=folder, node=node.port, port=port, told=told, map=MAP))
    process = await asyncio.create_subprocess_exec(
        program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(file)
    )
    try:
        await eventually(lambda: _answers(port), bool)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def _answers(port: int) -> bool:
    try:
        async with await Client.connect(port):
            return True
    except ConnectionRefusedError:
        return False


async def get(port: int, *lines: bytes, address: str = "127.0.0.3") -> Answer:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    async with Client(reader, writer) as client:
        return await client.get(b"/", *lines, key=None)


async def test_clients_of_nginx_are_told_apart(nginx: int, upstream: Upstream) -> None:
    answers = [await get(nginx) for _ in range(2)] + [await get(nginx, address="127.0.0.4")]
    allowed = [await get(nginx, address="127.0.0.2") for _ in range(2)]

    assert [answer.status for answer in answers + allowed] == [200, 429, 200, 200, 200]
    assert upstream.requests[0].values("X-Forwarded-For") == [b"127.0.0.3, 127.0.0.1"]
    assert upstream.requests[0].values("X-Forwarded-Proto") == [b"http"]
    assert upstream.requests[0].values("Host") == [b"service.example"]


CLAIMS = [
    b"X-Forwarded-For: 127.0.0.2",
    b"Forwarded: for=127.0.0.2",
    b'Forwarded: for="',
    b"X-Real-IP: 1.1.1.1",
]


async def test_a_client_of_nginx_does_not_choose_its_requests_id(nginx: int, upstream: Upstream) -> None:
    answer = await get(nginx, b"X-Request-Id: i-choose-this")

    (request_id,) = upstream.requests[-1].values("X-Request-Id")
    assert len(request_id) == 32
    assert answer.value("X-Request-Id") == request_id


async def test_a_client_of_nginx_cannot_name_scheme_and_host(nginx: int, upstream: Upstream) -> None:
    await get(nginx, b"X-Forwarded-Proto: https", b"X-Forwarded-Host: evil.example", b"X-Original-URL: /x")

    assert upstream.requests[-1].values("X-Forwarded-Proto") == [b"http"]
    assert upstream.requests[-1].values("X-Forwarded-Host") == [b"service.example"]
    assert upstream.requests[-1].values("X-Original-URL") == []


async def test_no_client_of_nginx_can_pass_for_another(nginx: int) -> None:
    statuses = [(await get(nginx, line)).status for line in CLAIMS]

    assert statuses == [200, 429, 429, 429]


async def test_websockets_come_through_nginx_and_requests_beside_them(
    start_node: StartNode, upstream: Upstream, tmp_path: Path
) -> None:
    node = await start_node()
    async with running_nginx(node, tmp_path, WITH_WEBSOCKETS) as port:
        async with open_tunnel(port, upstream) as tunnel:
            await tunnel.client.send(b"frames")
            assert await within(tunnel.peer.reader.readexactly(6)) == b"frames"
            await tunnel.peer.send(b"others")
            assert await within(tunnel.client.reader.readexactly(6)) == b"others"
        async with await Client.connect(port) as client:
            assert [(await client.get()).status for _ in range(2)] == [200, 200]
    assert upstream.requests[-1].values("Upgrade") == []
