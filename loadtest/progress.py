"""A line for each thing that happens, and in a terminal a status line below."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text


class Progress:
    """Prints with the time since it was made."""

    def __init__(self, console: Console) -> None:
        """Start the clock."""
        self.console = console
        self._started = time.monotonic()
        self._status = console.status("") if console.is_terminal else None

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    @contextmanager
    def live(self) -> Iterator[None]:
        """Show the status line meanwhile, if this is a terminal."""
        if self._status is None:
            yield
        else:
            with self._status:
                yield

    def say(self, text: str, style: str = "") -> None:
        """One thing that happened."""
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_row(Text(f"{self.seconds:4.0f} s", style="dim"), Text(text, style=style))
        self.console.print(line)

    def status(self, text: str) -> None:
        """What goes on now."""
        if self._status is not None:
            self._status.update(Text(f"{self.seconds:3.0f} s  {text}", no_wrap=True, overflow="ellipsis"))
