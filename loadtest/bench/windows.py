"""Windows in Redis as if a client had never been there, or in every second of the last minute."""

import asyncio
import time
from collections.abc import Sequence

from loadtest.bench.peers.peer import WINDOW_SECONDS

_BATCH = 500
_LIFETIME_SECONDS = WINDOW_SECONDS + 3


async def make(redis_port: int, database: int, names: Sequence[str], *, is_full: bool) -> None:
    """Delete these hashes, and if they are to be full write a unit into each of the last sixty fields."""
    now = int(time.time())
    fields = [str(second) for second in range(now - WINDOW_SECONDS + 1, now + 1)]
    tail = b"".join(_bulk(text) for field in fields for text in (field, "1"))
    head = b"*%d\r\n" % (2 + 2 * len(fields)) + _bulk("HSET")
    reader, writer = await asyncio.open_connection("127.0.0.1", redis_port)
    try:
        writer.write(b"*2\r\n" + _bulk("SELECT") + _bulk(str(database)))
        await _expect(reader, b"+OK")
        for start in range(0, len(names), _BATCH):
            batch = names[start : start + _BATCH]
            commands = [b"*2\r\n" + _bulk("DEL") + _bulk(name) for name in batch]
            if is_full:
                commands += [head + _bulk(name) + tail for name in batch]
                commands += [_expire(name) for name in batch]
            writer.write(b"".join(commands))
            for _ in commands:
                await _expect(reader, b":")
    finally:
        writer.close()
        await writer.wait_closed()


async def _expect(reader: asyncio.StreamReader, start: bytes) -> None:
    reply = await reader.readline()
    if not reply.startswith(start):
        raise ValueError(f"Redis takes no window: {reply!r}")


def _expire(name: str) -> bytes:
    return b"*3\r\n" + _bulk("EXPIRE") + _bulk(name) + _bulk(str(_LIFETIME_SECONDS))


def _bulk(text: str) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text), text.encode())
