"""A client that does nothing wrong, and notes how long it waits for each answer."""

import asyncio
import time
from dataclasses import dataclass, field

from tests.integration.gateway.client import Client

NEW_CONNECTION_EVERY = 10


@dataclass
class GoodClient:
    """Asks at a rate, mostly on one connection and now and then on a new one."""

    port: int
    per_second: float
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def run(self, until: asyncio.Event) -> None:
        """Ask until told to stop; where answers are late, the next request follows at once."""
        async with await Client.connect(self.port) as client:
            due = time.monotonic()
            while not until.is_set():
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                due = max(due + 1 / self.per_second, time.monotonic() - 1)
                if len(self.seconds) % NEW_CONNECTION_EVERY:
                    await self._ask(client)
                else:
                    async with await Client.connect(self.port) as another:
                        await self._ask(another)

    async def _ask(self, client: Client) -> None:
        began = time.monotonic()
        answer = await client.get(b"/good", key=b"good")
        self.seconds.append(time.monotonic() - began)
        if answer.status != 200:
            self.failures.append(answer.start_line.decode())

    def percentile(self, share: float) -> float:
        """The time in seconds that so many of the answers took at most."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
