"""Log lines to a descriptor, by a thread of its own: a reader that has stopped stops nobody who logs."""

import os
import select
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import accumulate

MAX_WAITING_BYTES = 4 * 1024 * 1024
GATHER_SECONDS = 0.005
"""How long the thread waits for further lines once it has one: at a high rate it then wakes seldom."""
CLOSE_SECONDS = 1.0


class LogWriter:
    """A bounded queue of lines. What finds no room, or cannot be written, is lost and counted."""

    def __init__(self, descriptor: int, loss: Callable[[int], bytes]) -> None:
        """`loss` makes the line that says how many were lost, once lines can be written again."""
        self.lost = 0
        """Lines that were not written, since the start."""
        self.turn: Callable[[], AbstractContextManager[None]] = nullcontext
        """What to enter for each write, where several processes have the descriptor."""
        self._descriptor = descriptor
        self._loss = loss
        self._told = 0
        self._is_torn = False
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        # Its lock can be taken twice: a finalizer that logs may run wherever there is garbage to collect.
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Have a line written, which ends with a line break. Never waits."""
        with self._changed:
            if self._waiting_bytes + len(line) > MAX_WAITING_BYTES:
                self.lost += 1
                return
            self._waiting.append(line)
            self._waiting_bytes += len(line)
            self._changed.notify()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Write what waits, within `seconds`; what is left then is lost."""
        with self._changed:
            self._closing.set()
            self._changed.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closing.is_set():
                    self._changed.wait()
                is_last = self._closing.is_set()
            self._closing.wait(GATHER_SECONDS)
            with self._changed:
                lines, self._waiting, self._waiting_bytes = self._waiting, [], 0
                lost = self.lost
            failed = self._write(lines)
            if lost + failed > self._told and not self._write([self._loss(lost + failed - self._told)]):
                self._told = lost + failed
            with self._changed:
                self.lost += failed
            if is_last:
                return

    def _write(self, lines: list[bytes]) -> int:
        """Write lines; how many could not be."""
        if not lines:
            return 0
        whole = memoryview(b"".join([b"\n", *lines] if self._is_torn else lines))
        with self.turn():
            return self._write_whole(lines, whole)

    def _write_whole(self, lines: list[bytes], whole: memoryview) -> int:
        written = 0
        try:
            while written < len(whole):
                written += self._write_some(whole[written:])
        except OSError:
            ends = list(accumulate(map(len, lines), initial=int(self._is_torn)))[1:]
            if written:
                self._is_torn = whole[written - 1] != ord("\n")
            return sum(end > written for end in ends)
        self._is_torn = False
        return 0

    def _write_some(self, data: memoryview) -> int:
        """As much as the descriptor takes, also where somebody has made it one that does not block."""
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                select.select([], [self._descriptor], [])
