"""The load generator and the upstream of the benchmark, against each other and against what misbehaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from loadtest.bench import generator, vitals
from loadtest.bench.job import Job
from loadtest.bench.requests import BIG
from loadtest.bench.stage import BenchError, Stage, running
from loadtest.bench.upstream import BIG_BYTES, COUNT_PATH

CONNECTIONS = 4


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A stage on which nobody has started yet."""
    async with running() as on:
        yield on


@asynccontextmanager
async def answering(answer: bytes, *, closes: bool = False) -> AsyncIterator[int]:
    """The port of a server that answers each request with these bytes, in pieces."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                for start in range(0, len(answer), 7):
                    writer.write(answer[start : start + 7])
                    await writer.drain()
                if closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            over.release()

    over = asyncio.Semaphore(0)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        for _ in range(CONNECTIONS):
            await over.acquire()


def job(port: int, **changes: int | float | str) -> Job:
    """A small one."""
    small: dict[str, int | float | str] = {
        "connections": CONNECTIONS,
        "warm_up": 10,
        "requests": 200,
        **changes,
    }
    return Job((port,), (), (), "key", **small)  # type: ignore[arg-type]  # its fields by name


@pytest.mark.parametrize("changes", [{}, {"body_bytes": 4096}, {"path": BIG}, {"rate_per_second": 4000.0}])
async def test_every_request_reaches_the_upstream_and_is_answered(
    changes: dict[str, int | float | str], stage: Stage
) -> None:
    measured = await stage.do(job(stage.upstream_port, **changes))

    assert measured.statuses == {"200": 200}
    assert measured.p99_ms >= measured.p50_ms > 0
    assert 210 <= measured.sent <= 214
    assert await stage.upstream_count() == measured.sent


async def test_held_connections_are_each_used_once(stage: Stage) -> None:
    measured = await stage.do(job(stage.upstream_port, held_connections=50))

    assert measured.statuses == {"200": 200}
    assert 260 <= measured.sent <= 264
    assert await stage.upstream_count() == measured.sent


async def test_a_wrong_status_ends_the_job(stage: Stage) -> None:
    with pytest.raises(BenchError, match=r"not all answers were 429: \{'200': 200\}"):
        await stage.do(job(stage.upstream_port, status=429))


async def test_a_connection_that_the_other_side_closes_ends_the_job() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", closes=True) as port:
        with pytest.raises(ValueError, match="a connection was closed"):
            await generator.measured(job(port))


async def test_silence_ends_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "SILENT_SECONDS", 0.05)

    async with answering(b"") as port:
        with pytest.raises(ValueError, match="no answer within"):
            await generator.measured(job(port))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nhello world\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
)
async def test_answers_may_come_in_pieces(answer: bytes) -> None:
    async with answering(answer) as port:
        assert (await generator.measured(job(port))).statuses == {"200": 200}


async def test_the_upstream_reads_bodies_however_they_come(stage: Stage) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.upstream_port)
    pieces = [
        b"POST /items/1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"lo\r\n0\r\n\r\nPOST /items/2 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe",
        b"lloGET %s/3 HTTP/1.1\r\n" % BIG.encode(),
        b"\r\nGET %s HTTP/1.1\r\n\r\n" % COUNT_PATH.encode(),
    ]
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)

    heads = [await reader.readuntil(b"\r\n\r\n")]
    for length in (200, 200, BIG_BYTES):
        assert b"\r\nContent-Length: %d\r\n" % length in heads[-1]
        await reader.readexactly(length)
        heads.append(await reader.readuntil(b"\r\n\r\n"))
    assert await reader.readexactly(1) == b"3"
    writer.close()
    await writer.wait_closed()


async def test_the_processor_time_of_another_process_is_seen(stage: Stage) -> None:
    before = vitals.cpu_ns([stage.redis.pid])
    measured = await stage.do(job(stage.upstream_port))

    assert measured.tested_cpu_ns == 0
    assert vitals.cpu_ns([stage.redis.pid]) >= before
    assert vitals.rss_bytes([stage.redis.pid]) > 2**20
