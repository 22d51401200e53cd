"""What goes out to Redis, read as Redis reads it."""

from collections.abc import Iterable

import hiredis

from gateway.limiter.batch import Batch
from gateway.limiter.frame import Command


def commands(data: bytes | Iterable[bytes]) -> list[Command]:
    """The commands of a pipeline, numbers as such."""
    reader = hiredis.Reader()
    reader.feed(data if isinstance(data, bytes) else b"".join(data))
    read: list[Command] = []
    while (words := reader.gets()) is not False:
        read.append(tuple(_word(word.decode()) for word in words))
    return read


def commands_of(batch: Batch) -> list[Command]:
    """All of a batch."""
    return commands(batch.data)


def _word(text: str) -> str | int:
    return int(text) if text.removeprefix("-").isdigit() else text
