"""A server that speaks as Redis does, and answers what Redis does not: nobody waits for it for ever."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.integration.gateway.client import within
from tests.integration.gateway.limiter.node import TEN, decide, eventually, limiter_node

MICROSECONDS = 1_000_000
ODD = [b":7", b",1.5", b",inf", b"#t", b"-ERR of one field", b"*1\r\n:7", b"*-1", b"_", b"$2\r\n-7"]
"""Replies, without their end, which stand where a count should."""


def words(*values: int) -> bytes:
    """A list of numbers, as Redis writes it."""
    return b"*%d\r\n" % len(values) + b"".join(b"$%d\r\n%d\r\n" % (len(str(each)), each) for each in values)


def time_told() -> bytes:
    """What TIME answers."""
    return words(*divmod(time.time_ns() // 1000, MICROSECONDS))


@asynccontextmanager
async def answering(answers: Mapping[bytes, Callable[[], bytes]]) -> AsyncIterator[str]:
    """A server that answers each command by its name, and OK to others; its address."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                command = [await word(reader) for _ in range(int(line[1:]))]
                answer = answers.get(command[0].upper())
                writer.write(b"+OK\r\n" if answer is None else answer())
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


async def word(reader: asyncio.StreamReader) -> bytes:
    """The next word of a command."""
    length = int((await reader.readline())[1:])
    return (await reader.readexactly(length + 2))[:-2]


@pytest.mark.parametrize("odd", ODD)
async def test_a_count_of_another_kind_counts_for_nothing(odd: bytes) -> None:
    answers = {
        b"TIME": time_told,
        b"HINCRBY": lambda: b":1\r\n",
        b"PEXPIRE": lambda: b":1\r\n",
        b"HGETALL": lambda: b"*4\r\n$6\r\nposted\r\n%b\r\n$10\r\n%d\r\n$1\r\n1\r\n" % (odd, time.time()),
        b"HMGET": lambda: b"*2\r\n" + 2 * (odd + b"\r\n"),
    }
    async with answering(answers) as url, limiter_node(url) as node:
        for _ in range(5):
            status = await within(decide(node.limiter, "acme", TEN))
            assert status is not None
            assert status.admitted
        assert node.store.connected


@pytest.mark.parametrize("odd", [*ODD, b"*2\r\n,inf\r\n,inf", b"*2\r\n$1\r\nx\r\n$1\r\n1"])
async def test_a_time_of_another_kind_is_an_outage(odd: bytes) -> None:
    tells = True
    answers = {
        b"TIME": lambda: time_told() if tells else odd + b"\r\n",
        b"HINCRBY": lambda: b":1\r\n",
        b"PEXPIRE": lambda: b":1\r\n",
        b"HGETALL": lambda: words(int(time.time()), 1),
        b"HMGET": lambda: b"*2\r\n$-1\r\n$-1\r\n",
    }
    async with answering(answers) as url, limiter_node(url, on_failure="open") as node:
        assert await within(decide(node.limiter, "acme", TEN)) is not None
        tells = False
        assert await within(decide(node.limiter, "acme", TEN)) is None
        await eventually(lambda: not node.store.connected)


async def test_who_waits_is_told_also_where_the_answer_cannot_be_reckoned_with() -> None:
    """Redis' clock is beyond all that a window can be worked out for."""
    beyond = 10**400
    lost: list[Mapping[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
    answers = {
        b"TIME": lambda: words(beyond, 0),
        b"HINCRBY": lambda: b":12\r\n",
        b"PEXPIRE": lambda: b":1\r\n",
        b"HGETALL": lambda: words(beyond, 12),
        b"HMGET": lambda: b"*2\r\n$-1\r\n$-1\r\n",
    }
    async with answering(answers) as url, limiter_node(url, on_failure="open") as node:
        refused, unanswered = await within(
            asyncio.gather(*(decide(node.limiter, "acme", TEN) for _ in range(2)))
        )
        assert refused is not None
        assert not refused.admitted
        assert unanswered is None
        await eventually(lambda: node.store.connected)
    assert [type(context["exception"]) for context in lost] == [OverflowError]
