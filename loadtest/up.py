"""`loadtest up`: a cluster to play with."""

import asyncio
import json
import os
import random
import shlex
import shutil
import sys
import sysconfig
from contextlib import AsyncExitStack, suppress
from math import ceil
from pathlib import Path

from rich.table import Table

from gateway.contract.redis_url import parse_redis_url
from loadtest import cluster, generator
from loadtest.cluster import Cluster
from loadtest.generator import Generator
from loadtest.load import Load, Stream
from loadtest.output import PrintableConsole

WATCH_SECONDS = 0.5
CLIENT_RATE = 0.8
"""Requests a second of one client at most: half of the usual limit of 100 a minute."""


async def run(nodes: int, workers: int | None, rate_per_second: int | None, *, as_json: bool) -> int:
    """Start, say where everything is, and wait for a signal. Redis is started if REDIS_URL is not set.

    Without a number of `workers` the environment's holds; without a rate there is no traffic.
    """
    given = os.environ.get("REDIS_URL") or None
    if given is not None:
        _say_whose(given)
    plan = cluster.Plan(
        nodes=nodes,
        redis_url=given,
        node_environment={} if workers is None else {"GATEWAY_WORKERS": str(workers)},
        environment=dict(os.environ),
        working_folder=Path.cwd(),
    )
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(cluster.running(plan))
        traffic = None
        if rate_per_second is not None:
            traffic = await stack.enter_async_context(
                generator.running(
                    [(node.id, node.url) for node in running.nodes],
                    _even(rate_per_second),
                    seed=random.SystemRandom().randrange(2**32),
                    environment=cluster.own_environment(),
                    folder=running.folder,
                )
            )
        if as_json:
            print(json_line(running), flush=True)  # noqa: T201 - the command's output
        else:
            _print_table(running)
        await _watch(running, traffic)
    return 0


def _even(rate_per_second: int) -> Load:
    """Of as many clients as it takes for none to be refused by the usual limit."""
    clients = max(10, ceil(rate_per_second / CLIENT_RATE))
    return Load((Stream(float(rate_per_second), tuple(f"client-{number}" for number in range(clients))),))


def json_line(running: Cluster) -> str:
    """The cluster as one line of JSON, for scripts: keep its names."""
    nodes = [{"id": n.id, "url": n.url, "admin_url": n.admin_url, "pid": n.pid} for n in running.nodes]
    return json.dumps({"redis_url": running.redis_url, "upstream_url": running.upstream_url, "nodes": nodes})


def _print_table(running: Cluster) -> None:
    console = PrintableConsole()
    table = Table("what", "address", "admin", "pid", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    if os.environ.get("REDIS_URL"):
        table.add_row("REDIS_URL's redis", _place(running.redis_url))
    else:
        table.add_row("redis", running.redis_url)
    table.add_row("upstream", running.upstream_url)
    for node in running.nodes:
        table.add_row(node.id, node.url, node.admin_url, str(node.pid))
    console.print(table)
    console.print("\nIn another terminal:")
    for line in _to_type(running):
        console.print(f"  {line}", soft_wrap=True)
    console.print("Ctrl-C stops everything.")


def _to_type(running: Cluster) -> list[str]:
    """What has the commands find the cluster, and be found, and something to begin with."""
    scripts = sysconfig.get_path("scripts")
    found = shutil.which("subject") is not None
    admin = ",".join(node.admin_url.removeprefix("http://") for node in running.nodes)
    target = parse_redis_url(running.redis_url)
    url, note = shlex.quote(running.redis_url), ""
    if target.password is not None or target.sentinel_password is not None:
        url, note = '"$REDIS_URL"', "    # as it is here"
    return [
        *([] if found else [f"export PATH={shlex.quote(scripts)}:$PATH"]),
        f"export REDIS_URL={url} SUBJECT_NODES={admin}{note}",
        f"curl -i -H 'X-API-Key: me' {running.nodes[0].url}/hello",
        "subject status",
    ]


def _place(url: str) -> str:
    """Where a URL of Redis leads to, without user and password."""
    target = parse_redis_url(url)
    return f"{target.place}, database {target.database}"


def _say_whose(url: str) -> None:
    """That nodes join a Redis which may be somebody's, before anything is started; a URL that is none they
    refuse themselves."""
    with suppress(ValueError):
        _say(
            f"REDIS_URL is set, so the nodes count in the Redis at {_place(url)}, beside whatever uses it; "
            "nothing there is deleted, and what they write stays. Unset REDIS_URL for one of their own"
        )


async def _watch(running: Cluster, traffic: Generator | None) -> None:
    """Say once of each node, and of the traffic, that it ended by itself; the others go on."""
    alive = list(running.nodes)
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        for node in [node for node in alive if node.child.has_ended()]:
            alive.remove(node)
            _say(f"{node.id} ended ({node.child.process.returncode}): {node.child.last_words()}")
        if traffic is not None and traffic.child.has_ended():
            traffic = None
            _say(f"the traffic has ended, as it does after {generator.LONGEST_RUN_SECONDS // 60} minutes")


def _say(what: str) -> None:
    print(f"loadtest: {what}", file=sys.stderr)  # noqa: T201 - stdout may be a script's
