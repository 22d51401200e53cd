"""A clock that ticks at a rate of many thousands a second, which an event loop's timers of whole milliseconds
cannot: Linux' timerfd, which Python itself offers from 3.13 on."""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable

_CLOCK_MONOTONIC = 1
_NONBLOCK_AND_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_TICKS_BYTES = 8


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("first", _Timespec))


class Ticker:
    """Calls `on_ticks` with the number of ticks that are due."""

    def __init__(self, per_second: float, on_ticks: Callable[[int], None]) -> None:
        """Begin to tick.

        Raises:
            OSError: the system has no such timer left.
        """
        self.interval_seconds = 1 / per_second
        self._on_ticks = on_ticks
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_AND_CLOEXEC)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        every = _Timespec(*divmod(int(1e9 / per_second), 1_000_000_000))
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)
        self.started_at = time.perf_counter()
        libc.timerfd_settime(self._descriptor, 0, ctypes.byref(_Itimerspec(every, every)), None)

    def _read(self) -> None:
        self._on_ticks(int.from_bytes(os.read(self._descriptor, _TICKS_BYTES), "little"))

    def stop(self) -> None:
        """Tick no more."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
