"""Where texts become what is drawn, in one place: whatever is not printable in them shows as its escape."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from subject.output.printable import printable

PLAIN_WIDTH = 10_000
WIDE = 100
PROSE_WIDTH = 20
"""What a column of prose can be read in."""


class PrintableConsole(Console):
    """A console that makes lines only where it is told to: by a call, never by a character of a text."""

    def __init__(self, **options: Any) -> None:
        """`options` are Rich's. It is not told COLUMNS and LINES, which it would take as they are, be they no
        number or one without end, and keep a screen at."""
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        super().__init__(highlight=False, markup=False, emoji=False, _environ=environment, **options)

    def on_broken_pipe(self) -> None:
        """As anything else that is printed to nobody; Rich's ends the process, as if something were found."""
        raise BrokenPipeError

    def render_str(self, text: str, **options: Any) -> Text:
        """As Rich's, which draws every text and table cell through this."""
        return super().render_str(printable(text), **options)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Texts, each plain or with its style, one behind the other.

    What is a `Text` already is not changed by the console, so that all of them are made here.
    """
    texts = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((printable(text), style) for text, style in texts))


def plain_lines(table: Table) -> Iterator[str]:
    """A table as Rich draws it where there is room for all, without its styles, and a hundred times as fast.

    Of one row Rich makes hundreds of objects, and a cluster may have ten thousand limits.
    """
    between = " " * table.padding[1]
    columns = [list(map(_plain, (column.header, *column.cells))) for column in table.columns]
    widths = [max(map(cell_len, cells)) for cells in columns]
    for row in zip(*columns, strict=True):
        line = ""
        for text, width, column in zip(row, widths, table.columns, strict=True):
            space = " " * (width - cell_len(text))
            line += (space + text if column.justify == "right" else text + space) + between
        yield line.rstrip()


def _plain(cell: RenderableType) -> str:
    return cell.plain if isinstance(cell, Text) else printable(str(cell))


def _asked_width() -> int | None:
    """By COLUMNS, as far as it is one; None is the terminal's own."""
    text = os.environ.get("COLUMNS", "")
    asked = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(PLAIN_WIDTH)) else 0
    return asked if 0 < asked <= PLAIN_WIDTH else None


@dataclass(frozen=True, slots=True)
class Sheet:
    """Writes to one console; `plain` text is not wrapped, and ends where its words do."""

    console: PrintableConsole
    plain: bool

    @classmethod
    def of_terminal(cls) -> Self:
        """To standard output: without any escape where it is no terminal or NO_COLOR is set."""
        terminal = sys.stdout.isatty()
        plain = bool(os.environ.get("NO_COLOR")) or not terminal
        console = PrintableConsole(
            color_system=None if plain else "auto",
            force_terminal=False if plain else None,
            width=_asked_width() if terminal else PLAIN_WIDTH,
        )
        return cls(console, plain=not terminal)

    def _print(self, what: RenderableType = "", style: str | None = None) -> None:
        if not self.plain:
            self.console.print(what, style=style)
            return
        with self.console.capture() as captured:
            self.console.print(what)
        for line in captured.get().splitlines():
            self.console.out(line.rstrip())

    def _print_table(self, table: Table, spare: Sequence[str], prose: Sequence[str] = ()) -> None:
        """Without those `spare` columns, the least needed first, that there is no room for; says which.

        What stands in `prose` columns may take several lines, and makes room before others are broken.
        """
        if self.plain:
            self.console.file.writelines(f"{line}\n" for line in plain_lines(table))
            return
        left_out: list[str] = []
        for name in spare:
            if self._fits(table, prose):
                break
            kept = [column for column in table.columns if column.header != name]
            if len(kept) < len(table.columns):
                table.columns = kept
                left_out.append(name)
        if self._fits(table, prose):
            for column in table.columns:
                column.no_wrap = column.header not in prose
        self._print(table)
        if left_out:
            self._print(f"No room for: {', '.join(left_out)} (--json has all)", style="dim")

    def _fits(self, table: Table, prose: Sequence[str]) -> bool:
        unbounded = self.console.options.update(width=PLAIN_WIDTH)
        for column in table.columns:
            column.max_width = PROSE_WIDTH if column.header in prose else None
        width = Measurement.get(self.console, unbounded, table).maximum
        for column in table.columns:
            column.max_width = None
        return width <= self.console.width

    def _table(self, *columns: str) -> Table:
        between = 2 if self.console.width >= WIDE else 1
        table = Table(box=None, padding=(0, between, 0, 0), header_style="bold")
        for name in columns:
            table.add_column(name, overflow="fold")
        return table
