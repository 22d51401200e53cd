"""`loadtest up`: a cluster to play with."""

import asyncio
import json
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from loadtest import cluster
from loadtest.cluster import Cluster

WATCH_SECONDS = 0.5


async def run(nodes: int, workers: int | None, *, as_json: bool) -> int:
    """Start, say where everything is, and wait for a signal. Redis is started if REDIS_URL is not set.

    Without a number of `workers` the environment's holds.
    """
    plan = cluster.Plan(
        nodes=nodes,
        redis_url=os.environ.get("REDIS_URL"),
        node_environment={} if workers is None else {"GATEWAY_WORKERS": str(workers)},
        environment=dict(os.environ),
        working_folder=Path.cwd(),
    )
    async with cluster.running(plan) as running:
        if as_json:
            print(json_line(running), flush=True)  # noqa: T201 - the command's output
        else:
            _print_table(running)
        await _watch(running)
    return 0


def json_line(running: Cluster) -> str:
    """The cluster as one line of JSON, for scripts: keep its names."""
    nodes = [{"id": n.id, "url": n.url, "admin_url": n.admin_url, "pid": n.pid} for n in running.nodes]
    return json.dumps({"redis_url": running.redis_url, "upstream_url": running.upstream_url, "nodes": nodes})


def _print_table(running: Cluster) -> None:
    console = Console(highlight=False)
    table = Table("what", "address", "admin", "pid", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_row("redis", running.redis_url)
    table.add_row("upstream", running.upstream_url)
    for node in running.nodes:
        table.add_row(node.id, node.url, node.admin_url, str(node.pid))
    console.print(table)
    console.print(f"\nTry:  curl -i -H 'X-API-Key: me' {running.nodes[0].url}/hello", soft_wrap=True)
    console.print(f"      REDIS_URL={running.redis_url} subject status", soft_wrap=True)
    console.print("Ctrl-C stops everything.")


async def _watch(running: Cluster) -> None:
    """Say once of each node that ended by itself; the others go on."""
    alive = list(running.nodes)
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        for node in [node for node in alive if node.child.has_ended()]:
            alive.remove(node)
            said = f"{node.id} ended ({node.child.process.returncode}): {node.child.last_words()}"
            print(f"loadtest: {said}", file=sys.stderr)  # noqa: T201 - stdout may be a script's
