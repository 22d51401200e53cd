"""The body of an upstream's answer on its way to the client, held back where the client takes less."""

import asyncio
from collections import deque
from typing import Protocol

from gateway.clock import monotonic
from gateway.proxy.pace import LEAST_BYTES_PER_SECOND, Pace, too_slow
from gateway.proxy.time_limit import limit

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

    __slots__ = (
        "_ended",
        "_error",
        "_has_length",
        "_is_paused",
        "_pace",
        "_pieces",
        "_silence_seconds",
        "_size",
        "_source",
        "_waiter",
    )

    def __init__(self, source: Source, silence_seconds: float, *, has_length: bool) -> None:
        """`silence_seconds` is how long a read waits. What `has_length` must not drip."""
        self._source = source
        self._silence_seconds = silence_seconds
        self._has_length = has_length
        self._pace: Pace | None = None
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

    def at_eof(self) -> bool:
        """Whether all of it has been read."""
        return self._ended and not self._pieces

    async def readany(self) -> bytes:
        """All that has come and not been read, as soon as there is something; empty at the end.

        Raises:
            TimeoutError: nothing came, or too little over some time.
            Exception: what it failed with, once the part before has been read.
        """
        if not self._pieces and not self._ended:
            await self._wait()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if self._is_paused:
            self._is_paused = False
            self._source.resume_reading()
        return data

    async def _wait(self) -> None:
        if self._pace is None:
            self._pace = Pace(self._silence_seconds, LEAST_BYTES_PER_SECOND if self._has_length else 0.0)
        began, patience_seconds = monotonic(), self._pace.patience_seconds
        try:
            await self._come(patience_seconds)
        except TimeoutError:
            if patience_seconds == self._silence_seconds:
                raise
            raise too_slow() from None
        self._pace.waited(monotonic() - began, self._size)

    async def _come(self, seconds: float) -> None:
        if self._error is None:
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            timer = limit(waiter, seconds)
            try:
                await waiter
            finally:
                self._waiter = None
                timer.cancel()
        if self._error is not None and not self._pieces:
            raise self._error

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
