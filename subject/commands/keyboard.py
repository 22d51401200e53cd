"""Keys as they are pressed, from a terminal that does not wait for the end of a line."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def each_key(pressed: Callable[[str], None]) -> Iterator[None]:
    """Call `pressed` with what is typed, and with an empty text where the terminal is gone.

    The terminal is as it was behind it, however it ends. Where standard input is none, nothing is read.
    """
    if not sys.stdin.isatty():
        yield
        return
    terminal, loop = sys.stdin.fileno(), asyncio.get_running_loop()
    before = termios.tcgetattr(terminal)

    def read() -> None:
        try:
            text = os.read(terminal, 64).decode(errors="replace")
        except OSError:
            text = ""
        if not text:
            loop.remove_reader(terminal)
        pressed(text)

    tty.setcbreak(terminal)
    loop.add_reader(terminal, read)
    try:
        yield
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
