"""What was measured, as tables."""

from collections.abc import Iterator, Sequence

from loadtest.bench import figures
from loadtest.bench.aims import AIMS
from loadtest.bench.contest import takes_part
from loadtest.bench.peers.peer import Peer
from loadtest.bench.results import Figure, Results, Spread
from loadtest.bench.scenarios import CLOSED, GROWTH, MEMORY, NODES, OPEN, SATURATED, WORKERS, Scenario
from loadtest.figure_tables import Table

NOTHING = "–"


def all_of(results: Results, peers: Sequence[Peer]) -> Iterator[Table]:
    """Each table in which there is anything."""
    shown = (
        _by_scenario("Processor time a request, µs", results, peers, CLOSED, figures.cpu),
        _by_scenario("Processor time a request of Redis, µs", results, peers, CLOSED, figures.redis),
        _by_figure("As much as it takes, 64 connections", results, peers, SATURATED, _SATURATION),
        *(_by_figure(scenario.title, results, peers, scenario.name, _LATENCY) for scenario in OPEN),
        _by_figure(MEMORY[0].title, results, peers, MEMORY[0].name, _MEMORY),
        _growth(results),
        *(_by_figure(s.title, results, peers, s.name, _COST) for s in (*NODES, *WORKERS)),
    )
    yield from (table for table in shown if table.rows)


_SATURATION: dict[str, Figure] = {
    "requests/s": figures.per_second,
    "its core, %": figures.busy,
    "p50, ms": figures.p50,
    "p99, ms": figures.p99,
}
_LATENCY: dict[str, Figure] = {
    "requests/s": figures.per_second,
    "p50, ms": figures.p50,
    "p99, ms": figures.p99,
    "processor time a request, µs": figures.cpu,
}
_MEMORY: dict[str, Figure] = {
    "a connection, KiB": figures.held,
    "before them, MiB": figures.memory,
}
_GROWTH: dict[str, Figure] = {
    "processor time a request, µs": figures.cpu,
    "of Redis, µs": figures.redis,
    "memory, MiB": figures.memory,
}
_COST: dict[str, Figure] = {
    "processor time a request, µs": figures.cpu,
    "of Redis, µs": figures.redis,
    "p99, ms": figures.p99,
}


def of_aims(results: Results) -> Table:
    """A line for each aim of which all was measured."""
    rows = []
    for aim in AIMS:
        found = aim.found(results)
        if found is not None:
            verdict = "reached" if found.median <= aim.most else "missed"
            rows.append((aim.what, _text(found) + aim.unit, f"{aim.most:.3g}{aim.unit}", verdict))
    return Table("What is aimed at", ("", "measured", "at most", ""), tuple(rows))


def _by_scenario(
    title: str, results: Results, peers: Sequence[Peer], scenarios: Sequence[Scenario], figure: Figure
) -> Table:
    found = [s for s in scenarios if any(results.of(peer.name, s.name) for peer in peers)]
    rows = [
        (peer.title, *(_text(results.spread(peer.name, s.name, figure)) for s in found))
        for peer in peers
        if any(takes_part(peer, s) for s in found)
    ]
    return Table(title, ("", *(s.title.removeprefix("allowed, ") for s in found)), tuple(rows))


def _by_figure(
    title: str, results: Results, peers: Sequence[Peer], scenario: str, shown: dict[str, Figure]
) -> Table:
    rows = [
        (peer.title, *(_text(results.spread(peer.name, scenario, figure)) for figure in shown.values()))
        for peer in peers
        if results.of(peer.name, scenario)
    ]
    return Table(title, ("", *shown), tuple(rows))


def _growth(results: Results) -> Table:
    rows = [
        (scenario.title, *(_text(results.spread("ours", scenario.name, f)) for f in _GROWTH.values()))
        for scenario in GROWTH
        if results.of("ours", scenario.name)
    ]
    return Table("This gateway with more and more keys", ("", *_GROWTH), tuple(rows))


def _text(found: Spread | None) -> str:
    """The median, and the spread where there was one."""
    if found is None:
        return NOTHING
    digits = 0 if found.median >= 1000 else 2 if found.median < 10 else 1
    texts = [f"{value:,.{digits}f}" for value in (found.median, found.least, found.most)]
    return texts[0] if texts[1] == texts[2] else f"{texts[0]} ({texts[1]}–{texts[2]})"
