"""Figures as tables of texts: printed, and in a page of the documentation between two comments."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from loadtest import output
from loadtest.child import StartError


@dataclass(frozen=True, slots=True)
class Table:
    """Texts; the first of `heads` and of each of `rows` names the row."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def markdown(self) -> str:
        """As it stands in a page."""
        rows = [self.heads, ("---", *("---:" for _ in self.heads[1:])), *self.rows]
        return f"**{self.title}**\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)

    def print(self, console: Console) -> None:
        """And an empty line behind it."""
        shown = RichTable(
            title=self.title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0)
        )
        for number, head in enumerate(self.heads):
            shown.add_column(head, justify="right" if number else "left", overflow="fold")
        for row in self.rows:
            shown.add_row(*row)
        console.print(shown)
        console.print()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page has figures: between the comments of that name."""

    page: Path
    name: str

    @property
    def begin(self) -> str:
        """The line before them."""
        return f"<!-- {self.name}:begin -->\n"

    @property
    def end(self) -> str:
        """The line behind them."""
        return f"<!-- {self.name}:end -->\n"

    def check(self) -> None:
        """Before a long run, whether what it finds can be written.

        Raises:
            StartError: the page has no such place, or cannot be written.
            OSError: it cannot be read.
        """
        self._around(self._text())
        output.check(self.page)

    def write(self, parts: Iterable[str]) -> None:
        """Replace what stands there.

        Raises:
            StartError: as above.
        """
        output.write(self.page, self.filled(self._text(), parts))

    def filled(self, text: str, parts: Iterable[str]) -> str:
        """The page's `text` with these parts there.

        Raises:
            StartError: as above.
        """
        before, after = self._around(text)
        return f"{before}{self.begin}\n" + "\n".join(parts) + f"\n{self.end}{after}"

    def _text(self) -> str:
        try:
            return self.page.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise StartError(f"{self.page} is no page: it is not UTF-8") from None

    def _around(self, text: str) -> tuple[str, str]:
        before, begins, rest = text.partition(self.begin)
        _, ends, after = rest.partition(self.end)
        if not (begins and ends):
            raise StartError(
                f"{self.page} has no place for figures: {self.begin.strip()} … {self.end.strip()}"
            )
        return before, after
