"""All that a run needs, as processes: Redis, the upstream, the peers, and the load generator for each job."""

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from gateway.contract.records import decode, encode
from loadtest import cluster, redis_server
from loadtest.bench import vitals
from loadtest.bench.job import Job, Measured
from loadtest.bench.peers.peer import Peer, Place, Running, serving
from loadtest.bench.upstream import COUNT_PATH
from loadtest.child import start_module
from loadtest.interrupt import uninterrupted
from loadtest.ports import free_port

LONGEST_JOB_SECONDS = 600.0
DATABASES = 10_000
DESCRIPTORS = 16_384
"""Many a shell allows a process 1,024, which is fewer than connections are held."""


class BenchError(Exception):
    """A measurement that would be worth nothing; the message says why."""


@dataclass(slots=True)
class Stage:
    """What runs. Peers are on a core of their own where there are two, and all else on the others."""

    redis: redis_server.RedisServer
    upstream_port: int
    folder: Path
    environment: dict[str, str]
    cores: Sequence[int]
    starts: int = 0

    async def start(self, peer: Peer, limit: int, stack: AsyncExitStack) -> Running:
        """Start a peer with this limit for every key; it ends with `stack`.

        Raises:
            StartError: it does not start.
        """
        self.starts += 1
        folder = self.folder / f"{self.starts}-{peer.name}"
        folder.mkdir()
        place = Place(self.redis.port, self.starts, self.upstream_port, folder, limit, self.environment)
        running = await stack.enter_async_context(peer.running(place))
        if len(self.cores) > 1:
            vitals.pin(running.pids, self.cores[-1:])
        return running

    async def do(self, job: Job) -> Measured:
        """Let the load generator do a job.

        Raises:
            BenchError: an answer was wrong or missing.
        """
        file = self.folder / "job.json"
        file.write_text(encode(job))
        child = start_module(
            "loadtest.bench.generator",
            str(file),
            name="generator",
            environment=self.environment,
            folder=self.folder,
            working_folder=self.folder,
        )
        try:
            ended = await child.ends(LONGEST_JOB_SECONDS)
        finally:
            await uninterrupted(child.stop(1.0))
        if not ended or child.process.returncode != 0:
            raise BenchError(child.last_words())
        return decode(Measured, child.stdout.read_text())

    async def upstream_count(self) -> int:
        """Requests that have reached the upstream."""
        url = f"http://127.0.0.1:{self.upstream_port}{COUNT_PATH}"

        def ask() -> int:
            with urlopen(url, timeout=5) as answer:
                return int(answer.read())

        return await asyncio.to_thread(ask)


@asynccontextmanager
async def running() -> AsyncIterator[Stage]:
    """Redis and the upstream, while the context lasts; with it ends all that was started on the stage.

    Raises:
        StartError: one of them does not start.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[:-1])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, most), most))
    environment = cluster.own_environment()
    try:
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="ratelimiter-bench-")))
            redis = await stack.enter_async_context(
                redis_server.running_beside("--databases", str(DATABASES))
            )
            port = free_port()
            child = start_module(
                "loadtest.bench.upstream",
                str(port),
                name="upstream",
                environment=environment,
                folder=folder,
                working_folder=folder,
            )
            await stack.enter_async_context(serving(child, port))
            yield Stage(redis, port, folder, environment, cores)
    finally:
        os.sched_setaffinity(0, cores)
