"""What was measured, as tables for a terminal."""

from collections.abc import Callable, Sequence
from statistics import median

from rich.table import Table
from rich.text import Text

from loadtest.bench.job import Measured
from loadtest.bench.peers.peer import Peer
from loadtest.bench.promises import PROMISES, Figure, Promise
from loadtest.bench.rounds import Results
from loadtest.bench.scenarios import Scenario


def of_figures(
    title: str, results: Results, peers: Sequence[Peer], scenarios: Sequence[Scenario], figure: Figure
) -> Table:
    """A line each peer, a column each scenario: the median, and from where to where rounds were."""
    table = Table("", title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for scenario in scenarios:
        table.add_column(scenario.name, justify="right")
    for peer in peers:
        table.add_row(peer.name, *(_cell(results.of(peer.name, s.name), figure) for s in scenarios))
    return table


def _cell(measured: Sequence[Measured], figure: Callable[[Measured], float]) -> str:
    if not measured:
        return "–"
    values = [figure(one) for one in measured]
    return f"{median(values):.1f} ({min(values):.1f}–{max(values):.1f})"


def of_promises(results: Results) -> Table:
    """A line each promise of which both sides were measured."""
    table = Table("", title="Ratios, and what they may be", title_justify="left", box=None, pad_edge=False)
    table.add_column("measured", justify="right")
    table.add_column("at most", justify="right")
    table.add_column("")
    for promise, ratio in measured_ratios(results):
        held = ratio <= promise.most
        mark = Text("holds", style="green") if held else Text("BROKEN", style="bold red")
        table.add_row(promise.what, f"{ratio:.2f}", f"{promise.most:g}", mark)
    return table


def measured_ratios(results: Results) -> list[tuple[Promise, float]]:
    """Promises with what was measured of them."""
    ratios = [(promise, promise.ratio(results)) for promise in PROMISES]
    return [(promise, ratio) for promise, ratio in ratios if ratio is not None]
