"""That a peer does what is measured: it limits each key, and what it lets through reaches the upstream."""

from loadtest.bench.job import Job
from loadtest.bench.peers.peer import Running
from loadtest.bench.scenarios import SMALL
from loadtest.bench.stage import BenchError, Stage

ASKED = 3 * SMALL


async def limits(stage: Stage, name: str, peer: Running) -> None:
    """Send three times the limit for one key to a peer with the small limit, for another to each port.

    Raises:
        BenchError: not the limit was let through, or not to the upstream.
    """
    for port in peer.ports:
        statuses, count = await _send(stage, _job(port, f"limited-{port}"))
        expected = {"200": SMALL, "429": ASKED - SMALL}
        if statuses != expected:
            raise BenchError(f"{name} does not limit: {statuses} of {ASKED} requests, not {expected}")
        if count != SMALL:
            raise BenchError(f"{name} answers by itself: {count} of {SMALL} requests reached the upstream")


async def lets_through(stage: Stage, name: str, peer: Running) -> None:
    """Send a few requests to a peer with the huge limit.

    Raises:
        BenchError: not all were answered by the upstream.
    """
    for port in peer.ports:
        job = _job(port, f"passing-{port}")
        statuses, count = await _send(stage, job)
        if statuses != {"200": ASKED}:
            raise BenchError(f"{name} does not let all through: {statuses}")
        reached(name, ASKED, count)


def reached(name: str, sent: int, count: int) -> None:
    """All requests of a job that nothing is to be refused of came to the upstream: `count` of those `sent`.

    Raises:
        BenchError: some did not, or some came twice.
    """
    if count < sent:
        raise BenchError(f"{name} answers by itself: {count:,} of {sent:,} requests reached the upstream")
    if count > sent:
        raise BenchError(f"{name} asks twice: of {sent:,} requests {count:,} reached the upstream")


def was_kept_off(name: str, job: Job, count: int) -> None:
    """Of a job that is refused only each key's limit came to the upstream, and what a bucket leaks.

    Raises:
        BenchError: more did.
    """
    if count > SMALL * job.keys + job.requests // 1000:
        raise BenchError(f"{name} refuses, but forwards: {count:,} requests reached the upstream")


def _job(port: int, key: str) -> Job:
    return Job((port,), (), (), key, keys=1, status=0, connections=1, warm_up=0, requests=ASKED)


async def _send(stage: Stage, job: Job) -> tuple[dict[str, int], int]:
    before = await stage.upstream_count()
    measured = await stage.do(job)
    return measured.statuses, await stage.upstream_count() - before
