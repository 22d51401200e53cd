"""That a peer does what is measured: it limits each key, and what it lets through reaches the upstream."""

from loadtest.bench.job import Job
from loadtest.bench.peers.peer import Running
from loadtest.bench.scenarios import SMALL
from loadtest.bench.stage import BenchError, Stage

ASKED = 3 * SMALL


async def limits(stage: Stage, name: str, peer: Running) -> None:
    """Send three times the limit for one key, then for another, to a peer with the small limit.

    Raises:
        BenchError: not the limit was let through, or not to the upstream.
    """
    for key in ("proof-a", "proof-b"):
        statuses, reached = await _send(stage, peer, key)
        expected = {"200": SMALL, "429": ASKED - SMALL}
        if statuses != expected:
            raise BenchError(f"{name} does not limit: {statuses} of {ASKED} requests, not {expected}")
        if reached != SMALL:
            raise BenchError(f"{name} answers by itself: {reached} of {SMALL} requests reached the upstream")


async def lets_through(stage: Stage, name: str, peer: Running) -> None:
    """Send a few requests to a peer with the huge limit.

    Raises:
        BenchError: not all were answered by the upstream.
    """
    statuses, reached = await _send(stage, peer, "proof-c")
    if statuses != {"200": ASKED} or reached != ASKED:
        raise BenchError(f"{name} lets not all through: {statuses}, of which {reached} reached the upstream")


async def _send(stage: Stage, peer: Running, key: str) -> tuple[dict[str, int], int]:
    job = Job(peer.ports, peer.pids, (), key, keys=1, status=0, connections=1, warm_up=0, requests=ASKED)
    before = await stage.upstream_count()
    measured = await stage.do(job)
    return measured.statuses, await stage.upstream_count() - before
