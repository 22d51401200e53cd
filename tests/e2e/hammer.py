"""A client of raw sockets that notes when it sent what, for tests that compare it with the upstream's log."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from tests.heads import content_length


@dataclass
class Hammer:
    """One API key. Each request has a target of its own, so that its arrival can be found."""

    key: str
    sent: dict[str, float] = field(default_factory=dict)
    outcomes: Counter[tuple[str, int]] = field(default_factory=Counter)

    async def paced(self, url: str, per_second: float, until: float) -> None:
        """On one connection, at a rate; late ones follow at once, so that the rate is kept."""
        reader, writer = await _connect(url)
        due = time.monotonic()
        while (now := time.monotonic()) < until:
            if now < due:
                await asyncio.sleep(due - now)
            due += 1 / per_second
            await self._request(url, reader, writer)
        writer.close()

    async def _request(self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = f"/{quote(self.key)}/{len(self.sent)}"
        self.sent[target] = time.time()
        writer.write(f"GET {target} HTTP/1.1\r\nHost: test\r\nX-API-Key: {self.key}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        await reader.readexactly(content_length(head))
        self.outcomes[(url, status)] += 1

    def count(self, *statuses: int) -> int:
        """How many answers had one of these."""
        return sum(count for (_, status), count in self.outcomes.items() if status in statuses)


async def _connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)
