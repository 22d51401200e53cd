"""Visits at a steady rate, and clients that stay; what came of all of them."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.integration.gateway.client import Client, request
from tests.soak.visits import KEY, KINDS, Kind, pay

STAYING = 16
"""Clients that keep their connections; half of the requests are theirs."""

REQUESTS_A_CONNECTION = 300
MOST_AT_A_TIME = 500
"""Visits; where there are more, the machine cannot keep up, and the rate is what it can."""


@dataclass
class Traffic:
    """Against one node."""

    port: int
    per_second: float
    seed: int
    requests: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    unexpected: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def run(self, seconds: float) -> None:
        """For so long, and until all of it is over."""
        until = time.monotonic() + seconds
        chance = random.Random(self.seed)
        async with asyncio.TaskGroup() as group:
            for number in range(STAYING):
                group.create_task(self._stay(number, until))
            group.create_task(self._visits(chance, until))

    def _note(self, name: str, outcome: str, *, is_expected: bool) -> None:
        self.outcomes[name, outcome] += 1
        if not is_expected:
            self.unexpected[name, outcome] += 1

    async def _stay(self, number: int, until: float) -> None:
        """Ask at a share of the rate, each connection for a while."""
        pause = STAYING / (self.per_second / 2)
        due = time.monotonic() + pause * number / STAYING
        while time.monotonic() < until:
            try:
                async with await Client.connect(self.port) as client:
                    for _ in range(REQUESTS_A_CONNECTION):
                        await asyncio.sleep(max(0.0, due - time.monotonic()))
                        due = max(due + pause, time.monotonic() - 1)
                        if time.monotonic() >= until:
                            return
                        self.requests += 1
                        await client.send(request(key=KEY))
                        status = str((await client.answer()).status)
                        self._note("on a kept connection", status, is_expected=status == "200")
            except (asyncio.IncompleteReadError, OSError) as error:  # TimeoutError is one
                self._note("on a kept connection", type(error).__name__, is_expected=False)

    async def _visits(self, chance: random.Random, until: float) -> None:
        weights = [kind.weight for kind in KINDS]
        mean_requests = sum(kind.weight * kind.requests for kind in KINDS) / sum(weights)
        pause = mean_requests / (self.per_second / 2)
        places = asyncio.Semaphore(MOST_AT_A_TIME)
        due = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while time.monotonic() < until:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                due = max(due + pause, time.monotonic() - 1)
                await places.acquire()
                (kind,) = chance.choices(KINDS, weights)
                self.requests += kind.requests
                visit = group.create_task(self._visit(kind, random.Random(chance.random())))
                visit.add_done_callback(lambda _: places.release())

    async def _visit(self, kind: Kind, chance: random.Random) -> None:
        outcome = await pay(kind, self.port, chance)
        self._note(kind.name, outcome, is_expected=outcome in kind.outcomes)
