"""The upstream's process: ``python -m loadtest.bench.upstream PORT``. Light: it is not what is measured.

Answers look as a service's do. ``GET /-/count`` says how many other requests there were.
"""

import asyncio
import re
import sys
import time
from email.utils import formatdate
from typing import cast

import uvloop

from loadtest.bench.requests import BIG

COUNT_PATH = "/-/count"
SMALL_BYTES, BIG_BYTES = 200, 256 * 1024
VARIANTS = 256
_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked\r\n", re.IGNORECASE)


class Answers:
    """What is answered, made anew each second, for its date."""

    def __init__(self) -> None:
        """For now."""
        self.count = 0
        self._bodies = [self._body(SMALL_BYTES, number) for number in range(VARIANTS)]
        self._big_body = self._body(BIG_BYTES, 0)
        self.refresh()

    @staticmethod
    def _body(size: int, number: int) -> bytes:
        start = b'{"id":%06d,"name":"item","text":"' % number
        return start + b"x" * (size - len(start) - 2) + b'"}'

    def refresh(self) -> None:
        """Make all heads anew."""
        date = formatdate(time.time(), usegmt=True)
        self.small = [self._message(body, f'"{n:08x}-c8"', date) for n, body in enumerate(self._bodies)]
        self.big = self._message(self._big_body, '"5f3c8a12-40000"', date)

    @staticmethod
    def _message(body: bytes, tag: str, date: str) -> bytes:
        head = (
            f"HTTP/1.1 200 OK\r\nServer: example/1.2\r\nDate: {date}\r\n"
            f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            f"ETag: {tag}\r\nCache-Control: private, max-age=0\r\nVary: Accept-Encoding\r\n"
            "X-Content-Type-Options: nosniff\r\n\r\n"
        )
        return head.encode() + body

    def to(self, head: bytes) -> bytes:
        """The answer to a request."""
        target = head.split(b" ", 2)[1]
        if target == COUNT_PATH.encode():
            count = b"%d" % self.count
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(count), count)
        self.count += 1
        return self.big if target.startswith(BIG.encode()) else self.small[self.count % VARIANTS]


class Service(asyncio.Protocol):
    """A connection; requests may come in pieces and one behind the other."""

    __slots__ = ("_answers", "_received", "_transport")

    def __init__(self, answers: Answers) -> None:
        """Not connected yet."""
        self._answers = answers
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Most requests come whole, and have no body."""
        if not self._received and data.startswith(b"GET ") and data.find(_HEAD_END) + 4 == len(data):
            self._transport.write(self._answers.to(data))
            return
        self._received += data
        while (end := self._end_of_first()) > 0:
            self._transport.write(self._answers.to(self._received))
            self._received = self._received[end:]

    def _end_of_first(self) -> int:
        """Where the first request that was received ends; 0 where not all of it is there."""
        head_end = self._received.find(_HEAD_END)
        if head_end < 0:
            return 0
        head, body_start = self._received[: head_end + 2], head_end + 4
        if _CHUNKED.search(head):
            last = self._received.find(_LAST_CHUNK, body_start)
            return 0 if last < 0 else last + len(_LAST_CHUNK)
        length = _LENGTH.search(head)
        end = body_start + (int(length[1]) if length else 0)
        return end if end <= len(self._received) else 0


async def main(port: int) -> None:
    """Serve until the process is ended."""
    answers = Answers()
    await asyncio.get_running_loop().create_server(lambda: Service(answers), "127.0.0.1", port, backlog=2048)
    print("ready", flush=True)  # noqa: T201 - whoever started this waits for it
    while True:
        await asyncio.sleep(1)
        answers.refresh()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
