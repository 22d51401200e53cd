"""What is measured and simulated, section by section: a table, and what of it is not as it must be."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from gateway.contract.limits import Limit
from tests.markdown import Columns, rows, table
from tests.sections import Section
from tests.simulation import at_limit, ceiling, fleet, load, memory, upkeep, ways
from tests.simulation.at_limit import Got
from tests.simulation.ceiling import Borne
from tests.simulation.cluster import Plan
from tests.simulation.fleet import Incident, Looks
from tests.simulation.load import Bore
from tests.simulation.memory import Size
from tests.simulation.network import BUSY, CALM, QUANTILES
from tests.simulation.upkeep import Upkeep

NODES = (1, 10, 30, 100)
CLIENTS = 10_000_000
Found = TypeVar("Found")
FLEET = Plan(requests=300.0, limit=Limit(20, 1), seconds=0.0, warm_seconds=0.0, clients=CLIENTS)

_CEILING: Columns[Borne] = {
    "decisions in a pipeline": lambda one: str(one.load.at_once),
    "of clients": lambda one: (
        "whose window the node knows" if one.load.known else "whose window it reads whole"
    ),
    "commands each": lambda one: f"{one.commands / one.decisions:.1f}",
    "Redis' processor each": lambda one: f"{one.decision_us:.1f} µs",
    "decisions/s": lambda one: f"{one.decisions_a_second:,.0f}",
    "commands/s": lambda one: f"{one.commands_a_second:,.0f}",
    "bytes to Redis and back, each": lambda one: (
        f"{one.bytes_in / one.decisions:.0f} + {one.bytes_out / one.decisions:.0f}"
    ),
}
_NODES: Columns[Upkeep] = {
    "nodes": lambda one: str(one.nodes),
    "commands/s each": lambda one: f"{one.commands:.0f}",
    "of Redis' processor, all": lambda one: f"{one.cpu_us * one.nodes / 1e4:.1f} %",
    "to Redis, all": lambda one: f"{one.bytes_in * one.nodes / 1e6:.1f} MB/s",
    "from Redis, all": lambda one: f"{one.bytes_out * one.nodes / 1e6:,.1f} MB/s",
    "seconds kept": lambda one: f"{one.telemetry_seconds:.0f}",
    "history kept": lambda one: f"{one.history_seconds / 3600:.1f} h",
}
_MEMORY: Columns[Size] = {
    "sub-intervals with requests": lambda one: str(one.fields),
    "a window": lambda one: f"{one.bytes:.0f} B",
    f"{CLIENTS:,} of them": lambda one: f"{one.bytes * CLIENTS / 1e9:.1f} GB",
    "windows in 1 GB": lambda one: f"{1e9 / one.bytes / 1e6:.1f} million",
}
_CLIENT: Columns[Got] = {
    "limit": lambda one: f"`{one.limit}`",
    "nodes": lambda one: str(one.nodes),
    "asked for": lambda one: f"{one.factor:g}×",
    "ways": lambda one: one.ways,
    "fullest window, by Redis": lambda one: str(one.fullest),
    "and in all": lambda one: str(one.fullest_in_all),
    "admitted of the possible": lambda one: f"{one.of_the_possible:.3f}",
    "requests/s": lambda one: f"{one.requests / one.seconds:,.0f}",
    "of these to Redis": lambda one: f"{one.decisions_a_second:,.0f}",
    "decided alone": lambda one: f"{one.alone:,}",
}
_LOAD: Columns[Bore] = {
    "limit": lambda one: f"`{one.limit}`",
    "asked of what Redis bears": lambda one: f"{one.ratio:.0%}",
    "decisions by Redis, of the asked": lambda one: f"{one.by_redis_a_second / one.requests_a_second:.0%}",
    "decided alone": lambda one: f"{one.alone_ratio:.1%}",
    "p50, p99": lambda one: f"{one.p50_ms:.1f}, {one.p99_ms:.1f} ms",
    "asked again": lambda one: f"{one.discarded_ratio:.1%}",
    "commands a decision": lambda one: f"{one.commands_a_decision:.1f}",
    "fullest window, by Redis": lambda one: str(one.fullest),
    "and in all": lambda one: str(one.fullest_in_all),
}


def of_ceiling(_: int) -> Section:
    """What one Redis bears."""
    loads = [ceiling.Load(at_once, known) for known in (True, False) for at_once in ceiling.AT_ONCE]
    return Section(table(_CEILING, map(ceiling.measure, loads)))


def of_ways(_: int) -> Section:
    """How long a way is."""
    of_what = {"calm, as simulated": CALM, "crowded, as simulated": BUSY, "in this run": ways.measure()}
    heads = ["one way, µs", *(f"{100 * quantile:g} %" for quantile in QUANTILES)]
    lines = [[name, *(f"{each:,.0f}" for each in found)] for name, found in of_what.items()]
    return Section(rows(heads, lines))


def of_nodes(_: int) -> Section:
    """What a node costs Redis."""
    return Section(table(_NODES, [asyncio.run(upkeep.measure(nodes)) for nodes in NODES]))


def of_memory(_: int) -> Section:
    """What clients take of Redis."""
    return Section(table(_MEMORY, [asyncio.run(memory.measure(each)) for each in memory.FIELDS]))


def of_client(jobs: int) -> Section:
    """What a client at its limit gets."""
    found = _each(at_limit.case, at_limit.CASES, jobs)
    failures = [
        f"`{one.limit}` at {one.nodes} nodes, ways {one.ways}: {one.fullest} in a window"
        for one in found
        if one.fullest > one.limit.quota
    ]
    return Section(table(_CLIENT, found), tuple(failures))


def of_load(jobs: int) -> Section:
    """A cluster near the ceiling of its Redis."""
    borne = _each(load.case, load.CASES, jobs)
    failures = [
        f"`{one.limit}` at {one.ratio:.0%}: {one.fullest} in a window by Redis"
        for one in borne
        if one.fullest > one.limit.quota
    ]
    return Section(table(_LOAD, borne), tuple(failures))


def of_fleet(_: int) -> Section:
    """What the subject finds."""
    incidents = fleet.incidents(FLEET, first=30, apart=40, lasting=10)
    looks = fleet.measure(FLEET, incidents)
    text = rows(("what happens", "found", "in words"), [_of_incident(one, looks) for one in incidents])
    text += (
        f"\n{looks.number} looks, one a second, at {FLEET.nodes} nodes and {looks.requests:,} requests: "
        f"{len(looks.false_alarms)} false alarms, {looks.calm} looks that found nothing, rightly. "
        f"A first look reads {looks.records:,} records of up to {looks.record_bytes / 1000:.1f} kB.\n"
    )
    missing = [
        f"{one.name}: not found" for one in incidents if one.expected - looks.seen[one.name].after.keys()
    ]
    return Section(text, (*missing, *looks.false_alarms))


def _of_incident(one: Incident, looks: Looks) -> tuple[str, ...]:
    seen = looks.seen[one.name]
    found = ", ".join(f"`{code}` after {after} s" for code, after in seen.after.items())
    return one.name, found, seen.summary


def _each(case: Callable[..., Found], cases: Iterable[tuple[object, ...]], jobs: int) -> list[Found]:
    """In processes, in order."""
    with ProcessPoolExecutor(jobs, initializer=logging.disable) as pool:
        return list(pool.map(case, *zip(*cases, strict=True)))


SECTIONS: dict[str, Callable[[int], Section]] = {
    "ceiling": of_ceiling,
    "ways": of_ways,
    "nodes": of_nodes,
    "memory": of_memory,
    "client": of_client,
    "load": of_load,
    "fleet": of_fleet,
}
