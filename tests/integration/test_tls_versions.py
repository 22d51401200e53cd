"""By TLS nobody speaks a version that is broken (RFC 8996), whatever OpenSSL's configuration says."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from gateway.config.tls import upstream_tls_context
from gateway.contract.limits import parse_limits
from gateway.contract.redis_url import parse_redis_url
from gateway.errors import StoreUnavailable
from gateway.redis_endpoint import Endpoint
from loadtest import generator
from loadtest.child import StartError
from loadtest.cluster import own_environment
from loadtest.elsewhere import front
from loadtest.elsewhere.facts import Facts
from loadtest.elsewhere.target import Target
from loadtest.load import Load, Stream
from subject.telemetry.redis_client import connect
from tests.certificates import Authority
from tests.project import ROOT
from tests.tls_versions import GOOD, left_to_openssl, offered

Call = Callable[[int, Path], Awaitable[object]]


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, "asyncio.Future[bytes]"]]:
    """A port, and what is first said there; who said it is hung up on."""
    first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        record = await reader.readexactly(5)
        record += await reader.readexactly(int.from_bytes(record[3:]))
        if not first.done():
            first.set_result(record)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], first


async def node_counting(port: int, _: Path) -> None:
    await Endpoint(parse_redis_url(f"rediss://127.0.0.1:{port}")).connect(asyncio.Protocol)


async def node_telling(port: int, _: Path) -> None:
    async with Endpoint(parse_redis_url(f"rediss://127.0.0.1:{port}")).client() as client:
        await client.get("any")


async def node_asking_sentinels(port: int, _: Path) -> None:
    await Endpoint(parse_redis_url(f"rediss+sentinel://127.0.0.1:{port}/main")).connect(asyncio.Protocol)


async def node_proxying(port: int, authority: Path) -> None:
    await asyncio.open_connection("127.0.0.1", port, ssl=upstream_tls_context(authority))


async def subject_reading(port: int, _: Path) -> None:
    async with connect(f"rediss://127.0.0.1:{port}", 1.0) as client:
        await client.get("any")


async def subject_asking_sentinels(port: int, _: Path) -> None:
    async with connect(f"rediss+sentinel://127.0.0.1:{port}/main", 1.0) as client:
        await client.get("any")


async def loadtest_probing(port: int, _: Path) -> None:
    await probe(port, is_insecure=False)


async def loadtest_probing_anybody(port: int, _: Path) -> None:
    await probe(port, is_insecure=True)


async def probe(port: int, *, is_insecure: bool) -> None:
    """As a run does on somebody's cluster."""
    target = Target((f"https://127.0.0.1:{port}",), "", is_insecure=is_insecure)
    await front.probed(target, ["key"], Facts((), parse_limits("1/s")))


CALLS: list[Call] = [
    node_counting,
    node_telling,
    node_asking_sentinels,
    node_proxying,
    subject_reading,
    subject_asking_sentinels,
    loadtest_probing,
    loadtest_probing_anybody,
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__.replace("_", " "))
async def test_versions_that_are_broken_are_not_offered(tmp_path: Path, call: Call) -> None:
    authority = Authority(tmp_path).write()
    async with listening() as (port, first):
        with left_to_openssl(), suppress(OSError, RedisError, StartError, StoreUnavailable):
            await call(port, authority)
        hello = await asyncio.wait_for(first, 5)

    assert offered(hello) == GOOD


async def test_the_load_generator_offers_none_that_is_broken(tmp_path: Path) -> None:
    """A process of its own, in which gevent has put its own TLS in place of Python's."""
    (tmp_path / "sitecustomize.py").write_text(
        "from tests.tls_versions import left_to_openssl\nheld = left_to_openssl()\nheld.__enter__()\n"
    )
    environment = {**own_environment(), "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    async with (
        listening() as (port, first),
        generator.running(
            [("node-1", f"https://127.0.0.1:{port}")],
            Load((Stream(10.0, ("key",)),)),
            seed=1,
            environment=environment,
            folder=tmp_path,
            foreign=generator.Way("/", ("node-1",), is_insecure=True),
        ),
    ):
        hello = await asyncio.wait_for(first, 30)

    assert offered(hello) == GOOD
