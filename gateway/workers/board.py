"""Memory in which each worker writes what it has at the moment, so that all can reckon by what the node has.

Nobody waits for anybody: a worker writes numbers of its own only, and reads those of the others. It writes
first and reads then, so that of two who come at once at least one sees the other.
"""

import fcntl
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from mmap import mmap

from gateway.policy.concurrency import InFlight
from gateway.proxy.slots import PeerCounts

ROWS = 2
SLOTS = 1 << 16  # two bytes of a digest name one
_BYTES = 4
_TABLE = ROWS * SLOTS
_OF_ONE = 2 * _TABLE + 1
"""Numbers that a worker has: by client, by address, and of its connections."""


def size_bytes(workers: int) -> int:
    """Of the board of so many; only what is written takes memory."""
    return workers * _OF_ONE * _BYTES


def blank(workers: int) -> int:
    """A new board for so many; its descriptor."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("board")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size_bytes(workers))
    return descriptor


@contextmanager
def turn(descriptor: int) -> Iterator[None]:
    """Wait for one's turn to do what only one of the board's processes may do at a time.

    A process that ends gives its turn back. Where the board is closed already there is no waiting.
    """
    with suppress(OSError):
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        with suppress(OSError):
            fcntl.lockf(descriptor, fcntl.LOCK_UN)


class Board:
    """The numbers of all workers, from 1."""

    def __init__(self, descriptor: int, workers: int, secret: bytes) -> None:
        """`secret` is the board's own, so that nobody can find keys that share their places with others."""
        self._memory = memoryview(mmap(descriptor, size_bytes(workers))).cast("I")
        self._workers = workers
        self._secret = secret

    def wipe(self, worker: int) -> None:
        """That one is gone, and with it what it had."""
        start = (worker - 1) * _OF_ONE
        self._memory[start : start + _OF_ONE] = memoryview(bytes(_OF_ONE * _BYTES)).cast("I")

    def connections(self, worker: int) -> "SharedConnections":
        """Those of the node, as this worker sees them."""
        return SharedConnections(self._numbers(worker, _TABLE), self._numbers(worker, 2 * _TABLE))

    def in_flight(self, worker: int) -> "SharedInFlight":
        """Requests of each client at the node, as this worker sees them."""
        return SharedInFlight(self._numbers(worker, 0))

    def _numbers(self, worker: int, start: int) -> "_Numbers":
        starts = [number * _OF_ONE + start for number in range(self._workers)]
        return _Numbers(self._memory, starts.pop(worker - 1), starts, self._secret)


class _Numbers:
    """A part of the board, as one worker sees it."""

    def __init__(self, memory: memoryview, own: int, others: Sequence[int], secret: bytes) -> None:
        """`own` and `others` are where the workers' parts start."""
        self._memory = memory
        self._own = own
        self._others = others
        self._secret = secret

    def places(self, key: str) -> list[int]:
        """Where a key is counted: once in each row. Two keys that share a place count for each other there.

        So a key's number is never too small, and the least of its rows is hardly ever too large (a count-min
        sketch, Cormode and Muthukrishnan 2005): with 1,000 keys at a time for one key of 4,000.
        """
        digest = blake2b(key.encode(), digest_size=2 * ROWS, key=self._secret).digest()
        return [row * SLOTS + int.from_bytes(digest[2 * row : 2 * row + 2]) for row in range(ROWS)]

    def add(self, places: Iterable[int], more: int) -> None:
        """Change numbers of one's own."""
        for place in places:
            self._memory[self._own + place] += more

    def elsewhere(self, places: Iterable[int]) -> int:
        """The least sum of the others' numbers."""
        memory, others = self._memory, self._others
        return min([sum([memory[other + place] for other in others]) for place in places])


class SharedInFlight(InFlight):
    """Counts those of all workers."""

    def __init__(self, numbers: _Numbers) -> None:
        super().__init__()
        self._numbers = numbers

    def enter(self, client: str) -> int:
        """One more of a client; how many it has with that."""
        places = self._numbers.places(client)
        self._numbers.add(places, 1)
        return super().enter(client) + self._numbers.elsewhere(places)

    def leave(self, client: str) -> None:
        """One less."""
        super().leave(client)
        self._numbers.add(self._numbers.places(client), -1)


class SharedConnections(PeerCounts):
    """Tells the other workers of this one's connections, and this one of theirs."""

    def __init__(self, of_addresses: _Numbers, of_all: _Numbers) -> None:
        self._of_addresses = of_addresses
        self._of_all = of_all

    def count(self) -> int:
        """How many the others have."""
        return self._of_all.elsewhere((0,))

    def count_of(self, source: str) -> int:
        """How many of an address."""
        return self._of_addresses.elsewhere(self._of_addresses.places(source))

    def changed(self, source: str | None, more: int) -> None:
        """This one has `more`, of an address if that is counted."""
        self._of_all.add((0,), more)
        if source is not None:
            self._of_addresses.add(self._of_addresses.places(source), more)
