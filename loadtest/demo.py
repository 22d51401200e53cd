"""`loadtest run` and `loadtest demo`: a real cluster, faults put on it, and what the subject says of them."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

from rich.console import Console

from gateway.contract.client_id import key_digest
from gateway.contract.telemetry import Totals
from loadtest import cluster, delay_proxy, generator, redis_server, report, scenarios, upstream_log, verdict
from loadtest.child import StartError
from loadtest.cluster import Cluster
from loadtest.counts import Counted, Counts
from loadtest.faults import Site
from loadtest.generator import Generator
from loadtest.polling import until
from loadtest.progress import Progress
from loadtest.scenarios import Scenario, Setting
from loadtest.scenarios.uncertain import uncertain_nodes
from loadtest.session import Session
from loadtest.subject_commands import Subject, SubjectError
from loadtest.verdict import Busiest, Verdict
from loadtest.watch import Watch

WELL, FAILED = 0, 1
FIRST_ARRIVAL_SECONDS = 20.0
SETTLE_SECONDS = 8.0
"""Nodes publish each second and the upstream's log is written each tenth: all is there by then."""

LOG_TICK_SECONDS = 0.2
MOST_DROPPED_RATIO = 0.01
"""Of the requests sent; what is put on the cluster must be what the subject's findings are held against."""


async def show(seed: int) -> int:
    """Those of the demo, in an order drawn from the seed."""
    names = list(scenarios.DEMO)
    Random(f"order {seed}").shuffle(names)
    return await _run(names, seed, None, with_times=False)


async def run(names: Sequence[str], seed: int, rate_per_second: float | None = None) -> int:
    """Play the scenarios on a cluster of three nodes, and judge; what can only be the first is that.

    Returns:
        as below.
    """
    ordered = sorted(dict.fromkeys(names), key=lambda name: name != scenarios.FIRST)
    return await _run(ordered, seed, rate_per_second, with_times=True)


async def _run(names: Sequence[str], seed: int, rate_per_second: float | None, *, with_times: bool) -> int:
    """Play and judge.

    Returns:
        0 if all that was expected was found, nothing else, and the limits were kept; otherwise 1.
    """
    console = Console(highlight=False)
    progress = Progress(console)
    random = Random(seed)
    setting = scenarios.draw_setting(random, rate_per_second)
    warm_up = () if names[0] == scenarios.FIRST else (scenarios.warm_up(setting),)
    drawn = [*warm_up, *(scenarios.draw(name, setting, random) for name in names)]
    report.print_opening(console, setting, seed)
    with progress.live():
        result = await _played(setting, drawn, seed, progress)
    report.print_verdict(console, result, seed, progress.seconds, with_times=with_times)
    return FAILED if result.failures else WELL


async def _played(setting: Setting, drawn: Sequence[Scenario], seed: int, progress: Progress) -> Verdict:
    """Start everything, play, count, and stop everything. Its Redis is always its own."""
    async with AsyncExitStack() as stack:
        progress.status("starting Redis, a dummy upstream and the nodes")
        servers = await stack.enter_async_context(AsyncExitStack())
        server = await servers.enter_async_context(redis_server.running_beside())
        proxies = {
            node_id: await stack.enter_async_context(delay_proxy.running("127.0.0.1", server.port))
            for node_id in setting.node_ids
        }
        plan = cluster.Plan(
            nodes=len(setting.node_ids),
            redis_url=server.url,
            environments_by_node={
                node_id: {"REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0"}
                for node_id, proxy in proxies.items()
            },
            node_environment={
                "GATEWAY_DEFAULT_LIMIT": str(setting.limit),
                "GATEWAY_STORE_DEADLINE": str(setting.store_deadline_seconds),
            },
        )
        running = await stack.enter_async_context(cluster.running(plan))
        load = await stack.enter_async_context(
            generator.running(
                [(node.id, node.url) for node in running.nodes],
                scenarios.first_load(setting),
                seed=seed,
                environment=running.environment,
                folder=running.folder,
            )
        )
        await _first_arrival(running, load)
        stack.callback(progress.status, "stopping everything")
        progress.say("the cluster runs")
        subject = Subject(_subject_environment(running), running.folder)
        watch = Watch(subject, progress)
        site = Site(running, server, proxies, servers)
        try:
            outcomes = await Session(setting, load, site, watch).play(drawn)
        except SubjectError as error:
            return Verdict((), None, problems=(str(error),))
        progress.status("counting")
        counted = await load.stop()
        uncertain = uncertain_nodes(drawn)
        certain = {node_id: counts for node_id, counts in counted.nodes.items() if node_id not in uncertain}
        differences = await _differences(subject, certain)
        return Verdict(
            outcomes,
            await _busiest(setting, running, counted),
            None if differences else sum(node.as_totals().requests for node in certain.values()),
            (*_died(running), *_not_sent(counted), *_unanswered(certain), *differences),
        )


def _subject_environment(running: Cluster) -> dict[str, str]:
    nodes = ",".join(node.admin_url.removeprefix("http://") for node in running.nodes)
    return {**running.environment, "REDIS_URL": running.redis_url, "SUBJECT_NODES": nodes}


async def _first_arrival(running: Cluster, load: Generator) -> None:
    """Wait until the load flows."""

    def has_arrived() -> bool:
        load.check()
        return running.upstream_log.stat().st_size > 0

    if not await until(has_arrived, FIRST_ARRIVAL_SECONDS):
        raise StartError(f"no request arrived within {FIRST_ARRIVAL_SECONDS:g} s: {load.child.last_words()}")


async def _busiest(setting: Setting, running: Cluster, counted: Counted) -> Busiest | None:
    """Judge the limits by the upstream's log, once all that was admitted is in it."""
    admitted = sum(node.admitted for node in counted.nodes.values())
    log = running.upstream_log
    await until(lambda: len(_lines(log)) >= admitted, SETTLE_SECONDS, LOG_TICK_SECONDS)
    limits = {key_digest(client.key): setting.limit for client in setting.clients}
    return verdict.busiest(upstream_log.passages(_lines(log)), limits)


def _lines(log: Path) -> list[str]:
    """All lines that are complete."""
    return [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]


def _died(running: Cluster) -> list[str]:
    return [
        f"{node.id} ended by itself: {node.child.last_words()}"
        for node in running.nodes
        if node.child.has_ended()
    ]


def _not_sent(counted: Counted) -> list[str]:
    if counted.dropped <= MOST_DROPPED_RATIO * counted.sent:
        return []
    return [
        f"the generator sent {counted.sent:,} requests and dropped {counted.dropped:,} that were due, since "
        "all its connections waited for answers: the load was not as drawn"
    ]


def _unanswered(nodes: Mapping[str, Counts]) -> list[str]:
    return [
        f"{node_id}: {node.failed} requests failed, {node.unanswered} got no answer"
        for node_id, node in nodes.items()
        if node.failed or node.unanswered
    ]


async def _differences(subject: Subject, nodes: Mapping[str, Counts]) -> list[str]:
    """Hold the nodes' own counts, as the subject shows them, against what the senders saw."""
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            differences = _differing(await subject.node_totals(), nodes)
        except SubjectError as error:
            return [str(error)]
        if not differences or time.monotonic() > end:
            return differences


def _differing(totals: Mapping[str, Totals], nodes: Mapping[str, Counts]) -> list[str]:
    return [
        f"{node_id}: the senders saw {seen}, the subject says {totals.get(node_id)}"
        for node_id, seen in nodes.items()
        if totals.get(node_id) != seen.as_totals()
    ]
