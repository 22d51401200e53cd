"""The body of an upstream's answer on its way to the client, held back where the client takes less."""

import asyncio
from collections import deque
from typing import Protocol

HIGH_WATER_BYTES = 131072
"""As much may wait to be read; then the upstream is not read until all of it has gone."""


class Source(Protocol):
    """Where the bytes come from."""

    def pause_reading(self) -> None:
        """Let nothing more come."""

    def resume_reading(self) -> None:
        """Let more come."""


class AnswerBody:
    """Fed with what comes; read by one reader at a time."""

    __slots__ = ("_ended", "_error", "_is_paused", "_pieces", "_size", "_source", "_waiter")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._error: Exception | None = None
        self._is_paused = False
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, piece: bytes) -> None:
        """More of it."""
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > HIGH_WATER_BYTES and not self._is_paused:
            self._is_paused = True
            self._source.pause_reading()
        self._wake()

    def end(self) -> None:
        """That was all of it."""
        self._ended = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """The rest of it will not come; no change where all has."""
        if not self._ended:
            self._error = error
            self._wake()

    @property
    def has_ended(self) -> bool:
        """Whether all of it has come, though perhaps not been read."""
        return self._ended

    def at_eof(self) -> bool:
        """Whether all of it has been read."""
        return self._ended and not self._pieces

    async def readany(self) -> bytes:
        """All that has come and not been read, as soon as there is something; empty at the end.

        Raises:
            Exception: what it failed with, once the part before has been read.
        """
        while not self._pieces and not self._ended:
            if self._error is not None:
                raise self._error
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if self._is_paused:
            self._is_paused = False
            self._source.resume_reading()
        return data

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
