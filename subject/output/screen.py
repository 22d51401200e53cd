"""The screen of ``subject watch``: what is wrong at the top, a line for each node below."""

import asyncio
import os
import signal
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from subject.cluster import metrics, series
from subject.cluster.node import Node
from subject.cluster.snapshot import Snapshot
from subject.diagnosis.problems import Diagnosis, Problem
from subject.figures import clock, percent
from subject.output.console import PrintableConsole, styled
from subject.output.report import STATE_STYLES, STYLES, well_told
from subject.output.sparkline import sparkline
from subject.output.status_lines import status_lines
from subject.output.wording import UNKNOWN, short

HEADING = "  q quits"
NARROW = 60
"""Columns of a terminal, below which there is less of each node."""
SHORTEST, LONGEST = 10, 60
"""Seconds that a node's line shows."""
LONGEST_ID = 24
NUMBERS = {"req/s": 9, "refused": 8, "p99": 7, "Redis": 7, "CPU": 6}
"""The columns behind a node's line, and how much room they take; the first two also on a narrow terminal."""
FRAME = 4
"""Lines beside problems and nodes: the heading, the columns' names, and two empty ones."""
LEAST_NODES = 3
"""So many nodes are left room for, whatever is wrong."""


class Screen:
    """Draws one look over the one before, as large as the terminal is at that moment."""

    def __init__(self, console: PrintableConsole) -> None:
        self._console = console
        self._live = Live(
            console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._last: tuple[Snapshot, Diagnosis] | None = None

    @classmethod
    def of_terminal(cls) -> Self:
        """On standard output, which is a terminal; without colour where NO_COLOR is set."""
        return cls(PrintableConsole(color_system=None if os.environ.get("NO_COLOR") else "auto"))

    def __enter__(self) -> Self:
        self._live.start()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGWINCH, signal.SIGCONT):
            loop.add_signal_handler(number, self._draw)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGWINCH, signal.SIGCONT):
            loop.remove_signal_handler(number)
        self._live.stop()

    def show(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        """Draw a look."""
        self._last = snapshot, diagnosis
        self._draw()

    def _draw(self) -> None:
        if self._last is not None:
            self._live.update(drawn(self._console, *self._last), refresh=True)


def drawn(console: PrintableConsole, snapshot: Snapshot, diagnosis: Diagnosis) -> RenderableType:
    """What fits on the console."""
    width, height = console.size
    nodes = len(snapshot.nodes) + len(snapshot.unread_nodes)
    for_problems = max(1, height - FRAME - min(nodes, LEAST_NODES))
    problems = _problems(console, snapshot, diagnosis, for_problems)
    used = sum(_lines(console, text) for text in problems)
    parts: list[RenderableType] = [_heading(snapshot, width), Text(), *problems, Text()]
    parts += _nodes(snapshot, width, max(1, height - FRAME - used))
    return Group(*parts)


def _heading(snapshot: Snapshot, width: int) -> Text:
    told = status_lines(snapshot)
    text = styled((clock(snapshot.at), "bold"), f"  {told['Nodes']}; {told['Requests']}")
    text.truncate(max(1, width - len(HEADING)), overflow="ellipsis")
    return text.append(HEADING, "dim")


def _problems(console: PrintableConsole, snapshot: Snapshot, diagnosis: Diagnosis, lines: int) -> list[Text]:
    """Each in a few lines, as many as fit; the last one says how many do not."""
    if diagnosis.healthy:
        return [styled(well_told(snapshot))]
    shown: list[Text] = []
    for place, problem in enumerate(diagnosis.problems):
        text = _problem(problem)
        left = len(diagnosis.problems) - place
        lines -= _lines(console, text)
        if lines < (1 if left > 1 else 0):
            shown.append(styled((f"and {left} more: subject diagnose" if shown else _short(problem), "bold")))
            break
        shown.append(text)
    return shown


def _short(problem: Problem) -> str:
    """One that does not fit by itself."""
    return f"{problem.finding.code}: subject diagnose"


def _problem(problem: Problem) -> Text:
    found = problem.finding
    symptoms = ", ".join(dict.fromkeys(symptom.code for symptom in problem.symptoms))
    return styled(
        (found.code, STYLES[problem.severity]),
        f"  {found.summary}. Likely: {found.likely_cause}.",
        (f" Explains {symptoms}." if symptoms else "", "dim"),
        "  → ",
        (found.suggested_action, "bold"),
    )


def _lines(console: PrintableConsole, text: Text) -> int:
    return len(text.wrap(console, console.width))


def _nodes(snapshot: Snapshot, width: int, lines: int) -> list[RenderableType]:
    """A table of those that fit, each on one line, and how many do not."""
    names = list(NUMBERS)[: 2 if width < NARROW else None]
    ids = [*(node.id for node in snapshot.nodes), *snapshot.unread_nodes]
    beside = (
        min(LONGEST_ID, max(map(len, ids), default=0))
        + len(" Offline ")
        + sum(NUMBERS[name] for name in names)
    )
    seconds = max(SHORTEST, min(LONGEST, width - beside))
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("node", no_wrap=True, overflow="ellipsis", max_width=LONGEST_ID)
    table.add_column("state", no_wrap=True)
    table.add_column(f"last {seconds} s", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    rates = {node.id: _rates(snapshot, node, seconds) for node in snapshot.nodes}
    highest = max((rate for of_node in rates.values() for rate in of_node if rate is not None), default=0.0)
    rows = [_row(snapshot, node, sparkline(rates[node.id], highest), len(names)) for node in snapshot.nodes]
    rows += [(node_id, _state("Down"), "", *[UNKNOWN] * len(names)) for node_id in snapshot.unread_nodes]
    fitting = len(rows) if len(rows) <= lines else max(0, lines - 1)
    for row in rows[:fitting]:
        table.add_row(*row)
    further = len(rows) - fitting
    return [table, styled((f"and {further} more: subject nodes", "dim"))] if further else [table]


def _rates(snapshot: Snapshot, node: Node, seconds: int) -> Sequence[float | None]:
    """Requests by second, the last one last; None where the node has told nothing."""
    until = snapshot.until
    first = until - seconds
    rates = series.per_second(node.samples, series.requests, first, until)
    told = series.per_second(node.samples, lambda sample: sample.end - sample.start, first, until)
    return [rate if covered > 0 else None for rate, covered in zip(rates, told, strict=True)]


def _row(snapshot: Snapshot, node: Node, line: str, numbers: int) -> tuple[str | Text, ...]:
    now = metrics.of_node(snapshot, node)
    told = (
        f"{now.rate:,.1f}",
        percent(now.rejection_ratio),
        short(now.latency_p99_ms),
        short(now.store_p99_ms),
        f"{now.cpu_percent:.0f} %",
    )
    known = node.is_up and snapshot.sees
    return (node.id, _state(node.state), line, *(told[:numbers] if known else [UNKNOWN] * numbers))


def _state(state: str) -> Text:
    return styled((state, STATE_STYLES[state]))
