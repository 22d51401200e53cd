"""A line of JSON for each message, over a pair of sockets between two processes of a node."""

import asyncio
import socket
from contextlib import suppress
from typing import Any, TypeVar

from gateway.contract.records import decode, encode

MAX_BYTES = 64 * 1024 * 1024
CLOSE_SECONDS = 2.0

Record = TypeVar("Record")


class Channel:
    """One end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> "Channel":
        """The channel of which this is an end."""
        end.setblocking(False)
        return cls(*await asyncio.open_unix_connection(sock=end, limit=MAX_BYTES))

    def say(self, message: Any) -> None:
        """Send a message; it is lost where the other end is gone."""
        if not self._writer.is_closing():
            self._writer.write(encode(message).encode() + b"\n")

    async def is_through(self) -> None:
        """Wait until the other end has taken most of what was said."""
        with suppress(OSError):
            await self._writer.drain()

    async def hear(self, kind: type[Record]) -> Record | None:
        """The next message, of class `kind`; None when the other end is gone, also in the middle of one."""
        try:
            line = await self._reader.readline()
        except OSError:
            return None
        return decode(kind, line) if line.endswith(b"\n") else None

    async def close(self) -> None:
        """Send what was said, if the other end takes it, and end; once."""
        self._writer.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._writer.wait_closed()
        except TimeoutError:
            self._writer.transport.abort()
        except OSError:
            pass  # the other end is gone
