"""Tables in Markdown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

Kind = TypeVar("Kind")
Columns = Mapping[str, Callable[[Kind], str]]
"""By its head, what a column says of each thing."""


def rows(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Lines of cells below their heads."""
    all_lines = [heads, ["---"] * len(heads), *lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in all_lines)


def table(columns: Columns[Kind], found: Iterable[Kind]) -> str:
    """A line for each."""
    return rows(list(columns), ([says(one) for says in columns.values()] for one in found))
