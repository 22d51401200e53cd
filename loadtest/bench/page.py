"""What was measured, in a page of the documentation: between two comments, and a plot beside it."""

from collections.abc import Sequence
from pathlib import Path

from loadtest import machine, output
from loadtest.bench import chart, figures, tables
from loadtest.bench.peers.peer import Peer
from loadtest.bench.results import Results
from loadtest.figure_tables import Place

NAME = "bench"
PLOTTED = ("allowed", "refused")


def check(page: Path) -> None:
    """Before a long run, whether what it finds can be written.

    Raises:
        StartError: it cannot.
    """
    Place(page, NAME).check()


def write(page: Path, results: Results, peers: Sequence[Peer]) -> None:
    """Replace what the page says, and the plot: its name is the page's with ``.svg``.

    Raises:
        StartError: the page has no place for it.
    """
    plot = page.with_suffix(".svg")
    output.write(plot, _plot(results, peers))
    shown = [tables.of_aims(results), *tables.all_of(results, peers)]
    plotted = f"![Processor time a request]({plot.name})\n"
    Place(page, NAME).write((_setting(results, peers), plotted, *(table.markdown for table in shown)))


def _setting(results: Results, peers: Sequence[Peer]) -> str:
    rounds = max((sample.round for sample in results.samples), default=0)
    versions = dict.fromkeys(peer.version() for peer in peers)
    return (
        f"{machine.in_words()}; {', '.join(versions)}. {rounds} rounds; the median, and in brackets the "
        "least and the most.\n"
    )


def _plot(results: Results, peers: Sequence[Peer]) -> str:
    bars = {
        scenario: [
            (peer.title, found.median)
            for peer in peers
            if (found := results.spread(peer.name, scenario, figures.cpu))
        ]
        for scenario in PLOTTED
    }
    return chart.svg("Processor time a request, µs", bars)
