"""What answers where a node is asked: anything may, and nothing else is asked."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.contract.records import encode
from subject.telemetry.state_endpoint import ask
from tests.unit.subject.builders import entry, record

STATE = encode(entry(record("node-1")))
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[tuple[str, list[str]]]:
    """Whoever answers so to anything: its address, and the paths that it was asked for."""
    asked: list[str] = []
    app = web.Application()

    async def counted(request: web.Request) -> web.StreamResponse:
        asked.append(request.path_qs)
        return await answer(request)

    app.router.add_route("*", "/{path:.*}", counted)
    async with TestServer(app) as server:
        yield f"127.0.0.1:{server.port}", asked


def of(**fields: Any) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(**fields)

    return answer


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


async def silent(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    raise AssertionError


BOMB = gzip.compress(b" " * 50_000_000)


@pytest.mark.parametrize(
    "answer",
    [
        of(text=STATE, status=500),
        of(status=302, headers={"Location": "/elsewhere"}),
        of(body=b"\xff\xfe\x00"),
        of(text="[" * 100_000),
        of(text="9" * 10_000),
        of(text=STATE.replace('"at":', '"at":-')),
        of(text=STATE.replace('"at":', '"at":1e300,"x":')),
        of(body=BOMB, headers={"Content-Encoding": "gzip"}),
        of(text=STATE, headers={"Content-Encoding": "br"}),
        endless,
        silent,
    ],
)
async def test_what_is_no_state_is_no_answer(answer: Answer) -> None:
    async with serving(answer) as (address, asked):
        assert await ask([address], 0.5) == {}
        assert asked == ["/state"]


@pytest.mark.parametrize(
    "form", ["{}/x?y=", "user@{}", "{}/", "{}#", "http://{}", " {}", "{}\n", "\\{}", "{}:"]
)
async def test_an_address_that_leads_elsewhere_is_not_asked(form: str) -> None:
    async with serving(of(text=STATE)) as (address, asked):
        assert await ask([form.format(address)], 0.5) == {}
        assert asked == []


async def test_a_node_is_asked_by_any_kind_of_address() -> None:
    async with serving(of(text=STATE)) as (address, _):
        port = address.rpartition(":")[2]
        assert set(await ask([address, f"localhost:{port}"], 5)) == {address, f"localhost:{port}"}
