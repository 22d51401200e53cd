"""Many slow clients in a process of their own: each drips until it is left, and notes when that was.

``python -m tests.soak.attackers PORT HEADS BODIES`` prints a JSON object of `Fate` by kind.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass

DRIP_SECONDS = 0.5
PATIENCE_SECONDS = 60.0
_HEAD = b"GET /slow HTTP/1.1\r\nHost: service.example\r\nX-Slow: "
_BODY = b"POST /slow HTTP/1.1\r\nHost: service.example\r\nX-API-Key: slow\r\nContent-Length: 1000000\r\n\r\n"


@dataclass(frozen=True)
class Fate:
    """Of some slow clients: how many were told which status, or nothing, and when the last was left."""

    number: int
    answers: dict[str, int]
    last_seconds: float


@dataclass(frozen=True)
class Result:
    """How one of them was left."""

    answer: str
    seconds: float


async def attack(port: int, start: bytes) -> Result:
    """Send the start, and then a byte now and then, until the node has closed the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(start)
    reading = asyncio.ensure_future(_all_of(reader))
    while not reading.done() and time.monotonic() < began + PATIENCE_SECONDS:
        await asyncio.wait({reading}, timeout=DRIP_SECONDS)
        writer.write(b"x")
    seconds = time.monotonic() - began
    writer.transport.abort()
    got = await reading
    return Result(got.split(b" ", 2)[1].decode() if got.startswith(b"HTTP/1.1 ") else "nothing", seconds)


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    got = b""
    try:
        while piece := await reader.read(65536):
            got += piece
    except ConnectionError:
        pass
    return got


async def fate_of(port: int, start: bytes, number: int) -> Fate:
    """What becomes of so many."""
    results = await asyncio.gather(*(attack(port, start) for _ in range(number)))
    answers = Counter(result.answer for result in results)
    return Fate(number, dict(answers), max((result.seconds for result in results), default=0.0))


async def attack_all(port: int, heads: int, bodies: int) -> dict[str, Fate]:
    """Slow heads and slow bodies at a time."""
    of_heads, of_bodies = await asyncio.gather(fate_of(port, _HEAD, heads), fate_of(port, _BODY, bodies))
    return {"heads": of_heads, "bodies": of_bodies}


def main(port: int, heads: int, bodies: int) -> None:
    """Attack, and tell what came of it."""
    fates = asyncio.run(attack_all(port, heads, bodies))
    sys.stdout.write(json.dumps({kind: asdict(fate) for kind, fate in fates.items()}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
