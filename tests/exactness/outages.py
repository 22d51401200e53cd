"""Promise 3, measured: what clients of all nodes get before, while and after the store is away."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest import cluster
from tests.exactness import nodes, oracle, store
from tests.exactness.policies import Client, write_clients
from tests.exactness.schedule import Shot, even, together
from tests.exactness.store import Fault
from tests.exactness.volley import Answer, fire, note_arrivals

NODES = 3
BEFORE_SECONDS = 5.0
AWAY_SECONDS = 3.0
AFTER_SECONDS = 6.0
TOTAL_SECONDS = BEFORE_SECONDS + AWAY_SECONDS + AFTER_SECONDS
DEADLINE_SECONDS = 0.05
"""How long a decision waits: what nodes have by default."""

BREAKER_SECONDS = 1.0
"""By then after the store's going its breaker has to be open."""

HALF = Client("half", "160/4s")
"""Asks for twice what it may, within windows that reach from before the outage to after it."""
BRIEF = Client("brief", "50/1s")
"""The same, within windows that are shorter than the outage."""
MODEST = Client("modest", "800/4s")
"""Asks for some of what it may."""
DEMAND = ((HALF, 80.0), (BRIEF, 100.0), (MODEST, 120.0))

MOST_RATIO = {"local": 1.2, "closed": 1.0}
"""The fullest window of evenly spread traffic, in N."""
FIRST_SECOND_MS = 60.0
BREAKER_OPEN_MS = 5.0
EXACT_AGAIN_SECONDS = 1.0

UNDISTURBED_MS = 15.0
"""A machine on which sending is later than this, or answers before the fault are, has other work to do."""
STATUSES = {"local": {200, 429}, "open": {200, 429}, "closed": {200, 429, 503}}


@dataclass(frozen=True, slots=True)
class Course:
    """All requests of a run, and when the store went and was back (seconds since 1970)."""

    policy: str
    fault: Fault
    gone: float
    back: float
    clients: tuple[Client, ...]
    answers: Sequence[Answer]

    @property
    def name(self) -> str:
        """What it was about."""
        return f"{self.policy}, {self.fault.name}"

    def of(self, client: Client) -> list[Answer]:
        """One client's."""
        return [answer for answer in self.answers if answer.shot.key == client.name]

    def statuses(self) -> Counter[int]:
        """Of all answers."""
        return Counter(answer.status for answer in self.answers)

    @property
    def before_ms(self) -> float:
        """The 99th percentile of the latency before; the first second is for the nodes to get going."""
        start = min(answer.due for answer in self.answers) + 1.0
        before = [answer.latency_seconds for answer in self.answers if start <= answer.due < self.gone]
        return 1000 * oracle.percentile(before, 99)

    def added_ms(self, start: float, end: float) -> float:
        """The 99th percentile of the latency of what was due in between, less the one before."""
        then = [answer.latency_seconds for answer in self.answers if start <= answer.due < end]
        return 1000 * oracle.percentile(then, 99) - self.before_ms

    @property
    def was_disturbed(self) -> bool:
        """Whether the machine itself was late, so that milliseconds of this run say nothing of the nodes."""
        lateness_ms = 1000 * oracle.percentile((a.sent - a.due for a in self.answers if a.sent), 99.9)
        return max(lateness_ms, self.before_ms) > UNDISTURBED_MS

    @property
    def first_second_ms(self) -> float:
        """What the outage adds before its breaker is open."""
        return self.added_ms(self.gone, self.gone + BREAKER_SECONDS)

    @property
    def breaker_open_ms(self) -> float:
        """What it adds from then on until the store is back."""
        return self.added_ms(self.gone + BREAKER_SECONDS, self.back)

    def fullest_ratio(self, client: Client) -> float:
        """The fullest window of the whole run, in N."""
        (limit,) = client.windows
        return oracle.fullest(self.of(client), limit) / limit.quota

    def exact_again_seconds(self, client: Client) -> float:
        """How long after the store's return a window was last found too full.

        Where it has kept its data and the nodes were counting all the time, all windows are looked at that
        end after its return; else those that begin after it.
        """
        (limit,) = client.windows
        if self.fault.keeps_data and self.policy != "open":
            last = oracle.last_excess(self.of(client), limit)
            return 0.0 if last is None else max(0.0, last - self.back)
        return oracle.exact_after(self.of(client), limit, self.back)

    @property
    def last_5xx_seconds(self) -> float:
        """How long after the store's return an answer of this kind was last received."""
        times = [answer.received - self.back for answer in self.answers if answer.status >= 500]
        return max(times, default=0.0)

    @property
    def miscounts(self) -> list[str]:
        """Answers and windows that are not as promised, a sentence each."""
        said = [
            f"{self.name}: {count} answers {status}"
            for status, count in self.statuses().items()
            if status not in STATUSES[self.policy]
        ]
        for client in self.clients:
            ratio = self.fullest_ratio(client)
            if self.policy in MOST_RATIO and ratio > MOST_RATIO[self.policy]:
                said.append(f"{self.name}: {client.limit} let {ratio:.2f} N through")
        return said

    @property
    def latenesses(self) -> list[str]:
        """What took too long, a sentence each."""
        said = []
        for added, most, phase in (
            (self.first_second_ms, FIRST_SECOND_MS, "in the first second"),
            (self.breaker_open_ms, BREAKER_OPEN_MS, "with the breaker open"),
        ):
            if added > most:
                said.append(f"{self.name}: p99 + {added:.1f} ms {phase}")
        for client in self.clients:
            if (late := self.exact_again_seconds(client)) > EXACT_AGAIN_SECONDS:
                said.append(f"{self.name}: {client.limit} was exact {late:.1f} s after its return")
        if self.last_5xx_seconds > EXACT_AGAIN_SECONDS:
            said.append(f"{self.name}: an answer 5xx {self.last_5xx_seconds:.1f} s after its return")
        return said

    @property
    def failures(self) -> list[str]:
        """All that is not as promised."""
        return self.miscounts + self.latenesses


def evenly() -> list[Shot]:
    """300 requests a second, each client's spread evenly over all nodes."""
    return together(*(even(client.name, rate, TOTAL_SECONDS, range(NODES)) for client, rate in DEMAND))


UNSEEN = Client("unseen", "120/4s")


@dataclass(frozen=True, slots=True)
class WorstCase:
    """`local` at its worst (docs/limits.md): one node let N through, and no other has seen the client."""

    course: Course

    nodes = NODES
    client = UNSEEN
    bound = 2 - 1 / NODES

    @property
    def fullest_ratio(self) -> float:
        """The fullest window, in N."""
        return self.course.fullest_ratio(self.client)

    @property
    def failures(self) -> list[str]:
        """What is not as promised, a sentence each."""
        said = []
        if self.fullest_ratio > self.bound + 0.01:
            said.append(f"the worst case: {self.fullest_ratio:.2f} N, not {self.bound:.2f} N at most")
        if (late := self.course.exact_again_seconds(self.client)) > EXACT_AGAIN_SECONDS:
            said.append(f"the worst case: exact {late:.1f} s after the store's return")
        return said


def behind_the_others_backs() -> list[Shot]:
    """All that the client may, from one node just before the store goes, and then what all of them give."""
    (limit,) = UNSEEN.windows
    at_one = even(UNSEEN.name, 1.2 * limit.quota, 1.0, (0,), start=BEFORE_SECONDS - 1.1)
    rate = 4 * limit.quota / limit.period_seconds
    seconds = AWAY_SECONDS + AFTER_SECONDS
    return together(at_one, even(UNSEEN.name, rate, seconds, range(NODES), start=BEFORE_SECONDS))


async def run(
    policy: str,
    fault: Fault,
    shots: Sequence[Shot],
    clients: Sequence[Client],
    deadline_seconds: float = DEADLINE_SECONDS,
) -> Course:
    """Start three nodes on a store of their own, send, and hurt the store meanwhile."""
    with tempfile.TemporaryDirectory(prefix="ratelimiter-clients-") as folder:
        clients_file = Path(folder) / "clients.toml"
        write_clients(clients, clients_file)
        settings = {
            "GATEWAY_CLIENTS_FILE": str(clients_file),
            "GATEWAY_ON_STORE_FAILURE": policy,
            "GATEWAY_STORE_DEADLINE": str(deadline_seconds),
        }
        async with store.running(fault) as hurtable:
            plan = cluster.Plan(
                nodes=NODES,
                redis_url=hurtable.url,
                node_redis_url=hurtable.node_url,
                node_environment=settings,
            )
            async with cluster.running(plan) as running:
                await nodes.know_each_other(running)
                hurting = asyncio.create_task(store.hurt(hurtable, fault, BEFORE_SECONDS, AWAY_SECONDS))
                answers = await fire([node.url for node in running.nodes], shots)
                to_wall = time.time() - asyncio.get_running_loop().time()
                gone, back = await hurting
                await note_arrivals(answers, running.upstream_log)
    return Course(policy, fault, gone + to_wall, back + to_wall, tuple(clients), answers)
