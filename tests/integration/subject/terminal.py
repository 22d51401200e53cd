"""A terminal of a test's own: a real pty with a program in it, whose screen can be read."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
HOME, ALTERNATE, BACK = "\x1b[H", "\x1b[?1049h", "\x1b[?1049l"
PATIENCE_SECONDS = 30


class Terminal:
    """What the program has written, and ways to type and to resize."""

    def __init__(self, columns: int, lines: int) -> None:
        self.controller, self.terminal = pty.openpty()
        os.set_blocking(self.controller, False)
        self.resize(columns, lines)
        self.modes = self.current_modes()
        self.process: asyncio.subprocess.Process | None = None
        self._written = bytearray()
        self._more = asyncio.Event()

    def resize(self, columns: int, lines: int) -> None:
        """As a window does it: the kernel tells the program."""
        fcntl.ioctl(self.controller, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text: str) -> None:
        """As a person does it."""
        os.write(self.controller, text.encode())

    def current_modes(self) -> list[object]:
        """How the terminal is set."""
        return termios.tcgetattr(self.terminal)

    @property
    def text(self) -> str:
        """All that was written so far, as it was."""
        return self._written.decode(errors="replace")

    @property
    def screen(self) -> list[str]:
        """The lines of the last whole frame."""
        frames = self.text.split(HOME)
        return [line.rstrip() for line in _CONTROL.sub("", frames[-1]).replace("\r", "").split("\n")]

    async def until(self, shown: Callable[[], bool]) -> None:
        """Wait for what it shows."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not shown():
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError("the screen is\n" + "\n".join(self.screen)) from None

    async def ended(self) -> int:
        """Wait for the program's end: its exit code."""
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), PATIENCE_SECONDS)

    def _read(self) -> None:
        try:
            self._written += os.read(self.controller, 65536)
        except BlockingIOError:
            return
        self._more.set()


@asynccontextmanager
async def terminal_with(
    *arguments: str, environment: Mapping[str, str], columns: int = 80, lines: int = 24
) -> AsyncIterator[Terminal]:
    """``python -m ARGUMENTS`` in a terminal, which is its own; ended at the latest with the context."""
    found = Terminal(columns, lines)
    loop = asyncio.get_running_loop()
    loop.add_reader(found.controller, found._read)
    try:
        found.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            stdin=found.terminal,
            stdout=found.terminal,
            stderr=found.terminal,
            env={**environment, "TERM": "xterm-256color"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        yield found
    finally:
        if found.process is not None and found.process.returncode is None:
            found.process.kill()
            await found.process.wait()
        loop.remove_reader(found.controller)
        os.close(found.controller)
        os.close(found.terminal)


@asynccontextmanager
async def typed_at(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int, int]]:
    """The subject, which reads from a terminal and writes to pipes; the terminal's two ends, its own last."""
    controller, terminal = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "subject", *arguments),
            stdin=terminal,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        yield process, controller, terminal
    finally:
        os.close(terminal)
        os.close(controller)
