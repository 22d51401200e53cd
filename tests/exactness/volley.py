"""Sends a schedule over many connections, whatever the answers take, and notes what came of each request.

A request that finds no connection free waits for one, and its latency counts from when it was due: so a slow
answer is seen by all who would have been behind it.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from loadtest.polling import until
from tests.exactness.schedule import Shot
from tests.heads import content_length

CONNECTIONS_PER_NODE = 256
CONNECTIONS_AT_START = 8
PATIENCE_SECONDS = 15.0
LOG_SECONDS = 5.0
NO_ANSWER = 0


@dataclass(slots=True)
class Answer:
    """A request and what became of it. Times are seconds since 1970 by this machine's clock."""

    number: int
    shot: Shot
    due: float
    sent: float = 0.0
    received: float = 0.0
    status: int = NO_ANSWER
    arrived: float | None = None  # at the upstream

    @property
    def admitted(self) -> bool:
        """Whether the upstream saw it."""
        return self.arrived is not None

    @property
    def latency_seconds(self) -> float:
        """From when it was due until all of its answer was there."""
        return self.received - self.due


class _Line(asyncio.Protocol):
    """A connection to a node; one request at a time."""

    def __init__(self, is_free: Callable[["_Line"], None], is_lost: Callable[["_Line"], None]) -> None:
        self._is_free = is_free
        self._is_lost = is_lost
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self.answer: Answer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def send(self, answer: Answer) -> None:
        assert self._transport
        self.answer = answer
        key, number = answer.shot.key, answer.number
        answer.sent = time.time()
        self._transport.write(f"GET /{number} HTTP/1.1\r\nHost: test\r\nX-API-Key: {key}\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if self.answer is None or not end or len(body) < content_length(head):
            return
        self.answer.received = time.time()
        self.answer.status = int(head[9:12])
        self.answer = None
        self._received = b""
        self._is_free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.answer = None
        self._is_lost(self)

    def close(self) -> None:
        if self._transport:
            self._transport.close()


class _Lines:
    """The connections to one node."""

    def __init__(self, url: str) -> None:
        self._host, self._port = str(urlsplit(url).hostname), urlsplit(url).port or 80
        self._all: set[_Line] = set()
        self._free: list[_Line] = []
        self._waiting: deque[Answer] = deque()
        self._opening: set[asyncio.Task[None]] = set()

    async def open_some(self) -> None:
        await asyncio.gather(*(self._open() for _ in range(CONNECTIONS_AT_START)))

    def send(self, answer: Answer) -> None:
        if self._free:
            self._free.pop().send(answer)
            return
        self._waiting.append(answer)
        if len(self._all) + len(self._opening) < CONNECTIONS_PER_NODE:
            task = asyncio.create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        line = _Line(self._release, self._forget)
        await asyncio.get_running_loop().create_connection(lambda: line, self._host, self._port)
        self._all.add(line)
        self._release(line)

    def _release(self, line: _Line) -> None:
        if self._waiting:
            line.send(self._waiting.popleft())
        else:
            self._free.append(line)

    def _forget(self, line: _Line) -> None:
        self._all.discard(line)
        if line in self._free:
            self._free.remove(line)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits, neither for a connection nor for an answer."""
        return not self._waiting and not any(line.answer for line in self._all)

    async def close(self) -> None:
        for task in list(self._opening):
            await task
        for line in list(self._all):
            line.close()


async def fire(urls: Sequence[str], shots: Sequence[Shot], start_on: float = 0.001) -> list[Answer]:
    """Send each when it is due, and return when all are answered or PATIENCE_SECONDS after the last.

    What was not answered has the status NO_ANSWER. The start is at a multiple of `start_on` seconds since
    1970, which is Redis' time too where it runs on this machine.
    """
    lines = [_Lines(url) for url in urls]
    await asyncio.gather(*(of_node.open_some() for of_node in lines))
    started = (time.time() // start_on + 1) * start_on
    answers = [Answer(number, shot, started + shot.at) for number, shot in enumerate(shots)]
    for answer in answers:
        if (early := answer.due - time.time()) > 0:
            await asyncio.sleep(early)
        lines[answer.shot.node].send(answer)
    await until(lambda: all(of_node.is_idle for of_node in lines), PATIENCE_SECONDS)
    await asyncio.gather(*(of_node.close() for of_node in lines))
    return answers


async def note_arrivals(answers: Iterable[Answer], log: Path, skip_lines: int = 0) -> None:
    """Write into `answers` when each arrived at the upstream, by its log after the first `skip_lines`.

    Waits until those that were answered with 200 are in it.
    """
    by_target = {f"/{answer.number}": answer for answer in answers}
    expected = skip_lines + sum(answer.status == 200 for answer in by_target.values())
    await until(lambda: log.read_text().count("\n") >= expected, LOG_SECONDS)
    for line in map(json.loads, log.read_text().splitlines()[skip_lines:]):
        by_target[line["target"]].arrived = line["at"]
