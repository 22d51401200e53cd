"""What is measured and simulated, section by section: a table, and what of it is not as it must be."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from gateway.contract.limits import Limit
from tests.exactness import tables
from tests.simulation import at_limit, ceiling, fleet, load, memory, upkeep, ways
from tests.simulation.cluster import Plan
from tests.simulation.load import Bore
from tests.simulation.network import BUSY, CALM, QUANTILES

NODES = (1, 10, 30, 100)
CLIENTS = 10_000_000
Found = TypeVar("Found")
FLEET = Plan(requests=300.0, limit=Limit(20, 1), seconds=0.0, warm_seconds=0.0, clients=CLIENTS)


@dataclass(frozen=True)
class Section:
    """Between the comments of this name the page has `text`. `failures` are in words."""

    name: str
    text: str
    failures: tuple[str, ...] = ()


def of_ceiling(_: int) -> Section:
    """What one Redis bears."""
    borne = [
        ceiling.measure(ceiling.Load(at_once, known))
        for known in (True, False)
        for at_once in ceiling.AT_ONCE
    ]
    text = tables.rows(
        (
            "decisions in a pipeline",
            "of clients",
            "commands each",
            "Redis' processor each",
            "decisions/s",
            "commands/s",
            "bytes to Redis and back, each",
        ),
        (
            (
                str(one.load.at_once),
                "whose window the node knows" if one.load.known else "whose window it reads whole",
                f"{one.commands / one.decisions:.1f}",
                f"{one.decision_us:.1f} µs",
                f"{one.decisions_a_second:,.0f}",
                f"{one.commands_a_second:,.0f}",
                f"{one.bytes_in / one.decisions:.0f} + {one.bytes_out / one.decisions:.0f}",
            )
            for one in borne
        ),
    )
    return Section("ceiling", text)


def of_ways(_: int) -> Section:
    """How long a way is."""
    of_what = {"calm, as simulated": CALM, "crowded, as simulated": BUSY, "in this run": ways.measure()}
    heads = ["one way, µs", *(f"{100 * quantile:g} %" for quantile in QUANTILES)]
    lines = [[name, *(f"{each:,.0f}" for each in found)] for name, found in of_what.items()]
    return Section("ways", tables.rows(heads, lines))


def of_nodes(_: int) -> Section:
    """What a node costs Redis."""
    costs = [asyncio.run(upkeep.measure(nodes)) for nodes in NODES]
    text = tables.rows(
        (
            "nodes",
            "commands/s each",
            "of Redis' processor, all",
            "to Redis, all",
            "from Redis, all",
            "seconds kept",
            "history kept",
        ),
        (
            (
                str(one.nodes),
                f"{one.commands:.0f}",
                f"{one.cpu_us * one.nodes / 1e4:.1f} %",
                f"{one.bytes_in * one.nodes / 1e6:.1f} MB/s",
                f"{one.bytes_out * one.nodes / 1e6:,.1f} MB/s",
                f"{one.telemetry_seconds:.0f}",
                f"{one.history_seconds / 3600:.1f} h",
            )
            for one in costs
        ),
    )
    return Section("nodes", text)


def of_memory(_: int) -> Section:
    """What clients take of Redis."""
    sizes = [asyncio.run(memory.measure(fields)) for fields in memory.FIELDS]
    text = tables.rows(
        ("sub-intervals with requests", "a window", f"{CLIENTS:,} of them", "windows in 1 GB"),
        (
            (
                str(one.fields),
                f"{one.bytes:.0f} B",
                f"{one.bytes * CLIENTS / 1e9:.1f} GB",
                f"{1e9 / one.bytes / 1e6:.1f} million",
            )
            for one in sizes
        ),
    )
    return Section("memory", text)


def of_client(jobs: int) -> Section:
    """What a client at its limit gets."""
    names = [name for *_, name in at_limit.CASES]
    got = list(zip(names, _each(at_limit.case, at_limit.CASES, jobs), strict=True))
    text = tables.rows(
        (
            "limit",
            "nodes",
            "asked for",
            "ways",
            "fullest window, by Redis",
            "and in all",
            "admitted of the possible",
            "requests/s",
            "of these to Redis",
            "decided alone",
        ),
        (
            (
                f"`{one.limit}`",
                str(one.nodes),
                f"{one.factor:g}×",
                name,
                str(one.fullest),
                str(one.fullest_in_all),
                f"{one.of_the_possible:.3f}",
                f"{one.requests / one.seconds:,.0f}",
                f"{one.decisions_a_second:,.0f}",
                f"{one.alone:,}",
            )
            for name, one in got
        ),
    )
    failures = [
        f"`{one.limit}` at {one.nodes} nodes, ways {name}: {one.fullest} in a window"
        for name, one in got
        if one.fullest > one.limit.quota
    ]
    return Section("client", text, tuple(failures))


def of_load(jobs: int) -> Section:
    """A cluster near the ceiling of its Redis."""
    borne = _each(load.case, load.CASES, jobs)
    text = tables.rows(
        (
            "limit",
            "asked of what Redis bears",
            "decisions by Redis, of the asked",
            "decided alone",
            "p50, p99",
            "asked again",
            "commands a decision",
            "fullest window, by Redis",
            "and in all",
        ),
        map(_of_bore, borne),
    )
    failures = [
        f"`{one.limit}` at {one.ratio:.0%}: {one.fullest} in a window by Redis"
        for one in borne
        if one.fullest > one.limit.quota
    ]
    return Section("load", text, tuple(failures))


def _of_bore(one: Bore) -> tuple[str, ...]:
    return (
        f"`{one.limit}`",
        f"{one.ratio:.0%}",
        f"{one.by_redis_a_second / one.requests_a_second:.0%}",
        f"{one.alone_ratio:.1%}",
        f"{one.p50_ms:.1f}, {one.p99_ms:.1f} ms",
        f"{one.discarded_ratio:.1%}",
        f"{one.commands_a_decision:.1f}",
        str(one.fullest),
        str(one.fullest_in_all),
    )


def of_fleet(_: int) -> Section:
    """What the subject finds."""
    incidents = fleet.incidents(FLEET, first=30, apart=40, lasting=10)
    looks = fleet.measure(FLEET, incidents)
    lines = [
        (
            one.name,
            ", ".join(f"`{code}` after {after} s" for code, after in looks.seen[one.name].after.items()),
            looks.seen[one.name].summary,
        )
        for one in incidents
    ]
    text = tables.rows(("what happens", "found", "in words"), lines)
    text += (
        f"\n{looks.number} looks, one a second, at {FLEET.nodes} nodes and {looks.requests:,} requests: "
        f"{len(looks.false_alarms)} false alarms, {looks.calm} looks that found nothing, rightly. "
        f"A first look reads {looks.records:,} records of up to {looks.record_bytes / 1000:.1f} kB.\n"
    )
    missing = [
        f"{one.name}: not found" for one in incidents if one.expected - looks.seen[one.name].after.keys()
    ]
    return Section("fleet", text, (*missing, *looks.false_alarms))


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
