"""A node under mixed traffic for a long time: nothing may grow, and nothing may go wrong in it."""

import asyncio
import json
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from loadtest import redis_server
from tests.finding import Finding
from tests.integration.gateway.processes import NodeProcess, node_process
from tests.soak import vitals
from tests.soak.service import serving
from tests.soak.traffic import Traffic
from tests.soak.visits import KEY, POOR_KEY
from tests.soak.vitals import Vitals

WARM_UP_SHARE = 0.2
MOST_WARM_UP_SECONDS = 60.0
SAMPLES = 200
MOST_GROWTH_BYTES = 10 << 20
CONNECTION_BYTES = 40_000
"""What the allocator keeps of a crowd is no leak: so much for each connection more than at first."""
SETTLE_SECONDS = 30.0

_CLIENTS = f"""
[[clients]]
name = "good"
key = "{KEY.decode()}"
limit = "100000000/m"

[[clients]]
name = "poor"
key = "{POOR_KEY.decode()}"
limit = "5/s"
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `samples` were taken while there was traffic, after a warm-up."""

    seconds: float
    requests: int
    outcomes: dict[str, int]
    unexpected: dict[str, int]
    log_errors: list[str]
    exit_code: int
    before: Vitals
    samples: list[Vitals]
    after: Vitals

    @property
    def per_second(self) -> float:
        """The rate that there was."""
        return self.requests / self.seconds

    @property
    def growth_bytes(self) -> float:
        """Of memory, from the first quarter to the last, as far as no crowd explains it."""
        quarter = max(1, len(self.samples) // 4)
        first, last = self.samples[:quarter], self.samples[-quarter:]
        growth = median(of.rss_bytes for of in last) - median(of.rss_bytes for of in first)
        usual = max(of.connections for of in first)
        return growth - CONNECTION_BYTES * (self.most_connections - usual)

    @property
    def most_connections(self) -> int:
        """At a time, as far as was seen."""
        return max(of.connections for of in self.samples)

    @property
    def findings(self) -> list[Finding]:
        """What has to hold."""
        return [
            Finding("answers that were not as they should be", sum(self.unexpected.values()), 0),
            Finding("errors in the log", len(self.log_errors), 0),
            Finding("the exit code", self.exit_code, 0),
            Finding(
                "MB more of memory, and no crowd to explain it",
                self.growth_bytes / 1e6,
                MOST_GROWTH_BYTES / 1e6,
            ),
            Finding("descriptors more after it", self.after.descriptors - self.before.descriptors, 2),
            Finding("tasks more after it", self.after.tasks - self.before.tasks, 2),
            Finding("connections after it", self.after.connections, 0),
            Finding("requests in flight after it", self.after.in_flight, 0),
        ]


async def soaked(seconds: float, per_second: float, seed: int) -> Outcome:
    """Start a node, send traffic for so long, and see what is left."""
    with tempfile.TemporaryDirectory() as name, redis_server.running() as redis:
        folder = Path(name)
        clients = folder / "clients.toml"
        clients.write_text(_CLIENTS)
        async with serving() as url:
            settings = {"GATEWAY_UPSTREAM_URL": url, "REDIS_URL": redis.url, "GATEWAY_LOG_FORMAT": "json"}
            settings |= {"GATEWAY_CLIENTS_FILE": str(clients), "GATEWAY_STORE_DEADLINE": "1"}
            settings |= {"GATEWAY_HEADER_TIMEOUT": "2", "GATEWAY_BODY_TIMEOUT": "2"}
            async with node_process(folder, **settings) as node:
                return await _soak(node, Traffic(node.port, per_second, seed), seconds)


async def _soak(node: NodeProcess, traffic: Traffic, seconds: float) -> Outcome:
    before = await _vitals(node)
    sampling = asyncio.create_task(_samples(node, seconds))
    began = time.monotonic()
    await traffic.run(seconds)
    took = time.monotonic() - began
    samples = await sampling
    after = await _settled(node, before)
    node.process.send_signal(signal.SIGTERM)
    exit_code = await node.ends()
    return Outcome(
        took,
        traffic.requests,
        _in_words(traffic.outcomes),
        _in_words(traffic.unexpected),
        errors_in(node.log.read_text().splitlines()),
        exit_code,
        before,
        samples,
        after,
    )


async def _vitals(node: NodeProcess) -> Vitals:
    async with await node.connect_admin() as admin:
        return await vitals.read(admin)


async def _settled(node: NodeProcess, before: Vitals) -> Vitals:
    """As it is when all have gone, or after some patience."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        now = await _vitals(node)
        is_over = not now.connections and now.descriptors <= before.descriptors and now.tasks <= before.tasks
        if is_over or time.monotonic() > deadline:
            return now
        await asyncio.sleep(0.1)


async def _samples(node: NodeProcess, seconds: float) -> list[Vitals]:
    warm_up = min(WARM_UP_SHARE * seconds, MOST_WARM_UP_SECONDS)
    await asyncio.sleep(warm_up)
    samples, until = [], time.monotonic() + seconds - warm_up
    while time.monotonic() < until:
        samples.append(await _vitals(node))
        await asyncio.sleep((seconds - warm_up) / SAMPLES)
    return samples


def errors_in(lines: Sequence[str]) -> list[str]:
    """Lines of a node's log that tell of a fault of its own; what is no line of it is one too."""
    found = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            found.append(line)
            continue
        if event["level"] not in ("debug", "info", "warning") or "exception" in event:
            found.append(line)
    return found


def _in_words(counts: dict[tuple[str, str], int]) -> dict[str, int]:
    return {f"{name}: {outcome or 'nothing'}": count for (name, outcome), count in sorted(counts.items())}
