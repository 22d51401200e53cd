"""Shared memory with each worker's connections and requests in flight, so that limits hold for the node.

Without locks: a worker writes only its own counters and reads those of the others. It writes before it
reads, so that of two concurrent increments at least one sees the other.
"""

import fcntl
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from mmap import mmap

from gateway.policy.concurrency import InFlight
from gateway.proxy.slots import PeerCounts

ROWS = 2
SLOTS = 1 << 16  # two bytes of a digest name one
_BYTES = 4
_TABLE = ROWS * SLOTS
_WORKER_COUNTERS = 2 * _TABLE + 1
"""Counters of one worker: by client, by address, and one of all connections."""


def size_bytes(workers: int) -> int:
    """Size of the shared memory; only touched pages are used."""
    return workers * _WORKER_COUNTERS * _BYTES


def create(workers: int) -> int:
    """Create the shared memory; returns its file descriptor."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("board")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size_bytes(workers))
    return descriptor


@contextmanager
def write_lock(descriptor: int) -> Iterator[None]:
    """Exclusive lock between the processes that have the descriptor; released when its holder ends.

    Does not lock if the descriptor is closed.
    """
    with suppress(OSError):
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        with suppress(OSError):
            fcntl.lockf(descriptor, fcntl.LOCK_UN)


class SharedCounters:
    """Counters of all workers, which are numbered from 1."""

    def __init__(self, descriptor: int, workers: int, secret: bytes) -> None:
        """`secret` keys the hash, so that a client cannot choose keys that collide with others."""
        self._memory = memoryview(mmap(descriptor, size_bytes(workers))).cast("I")
        self._workers = workers
        self._secret = secret

    def clear(self, worker: int) -> None:
        """Set the counters of a worker that has ended to zero."""
        start = (worker - 1) * _WORKER_COUNTERS
        self._memory[start : start + _WORKER_COUNTERS] = memoryview(bytes(_WORKER_COUNTERS * _BYTES)).cast(
            "I"
        )

    def connections(self, worker: int) -> "SharedConnections":
        """Connections of the other workers, for this one."""
        return SharedConnections(self._table(worker, _TABLE), self._table(worker, 2 * _TABLE))

    def in_flight(self, worker: int) -> "SharedInFlight":
        """Requests in flight of each client at the node, for this worker."""
        return SharedInFlight(self._table(worker, 0))

    def _table(self, worker: int, start: int) -> "_CounterTable":
        starts = [number * _WORKER_COUNTERS + start for number in range(self._workers)]
        return _CounterTable(self._memory, starts.pop(worker - 1), starts, self._secret)


class _CounterTable:
    """One kind of counters: a worker's own, and those of its peers."""

    def __init__(self, memory: memoryview, own: int, peers: Sequence[int], secret: bytes) -> None:
        """`own` and `peers` are offsets of the workers' tables."""
        self._memory = memory
        self._own = own
        self._peers = peers
        self._secret = secret

    def slots(self, key: str) -> list[int]:
        """Indices of a key's counters in the rows of a count-min sketch (Cormode and Muthukrishnan 2005).

        The minimum of a key's counters is never too small; with 1,000 keys at a time it is too large for one
        key of 4,000.
        """
        digest = blake2b(key.encode(), digest_size=2 * ROWS, key=self._secret).digest()
        return [row * SLOTS + int.from_bytes(digest[2 * row : 2 * row + 2]) for row in range(ROWS)]

    def add(self, slots: Iterable[int], more: int) -> None:
        """Add to this worker's counters."""
        for slot in slots:
            self._memory[self._own + slot] += more

    def of_peers(self, slots: Iterable[int]) -> int:
        """The minimum of the peers' sums."""
        memory, peers = self._memory, self._peers
        return min([sum([memory[peer + slot] for peer in peers]) for slot in slots])


class SharedInFlight(InFlight):
    """Requests in flight at all workers."""

    def __init__(self, table: _CounterTable) -> None:
        super().__init__()
        self._table = table

    def enter(self, client: str) -> int:
        """Count a request of a client; returns the client's number with it."""
        slots = self._table.slots(client)
        self._table.add(slots, 1)
        return super().enter(client) + self._table.of_peers(slots)

    def leave(self, client: str) -> None:
        """Count a request less."""
        super().leave(client)
        self._table.add(self._table.slots(client), -1)


class SharedConnections(PeerCounts):
    """Connections of the other workers, and this one's for them."""

    def __init__(self, of_addresses: _CounterTable, of_all: _CounterTable) -> None:
        self._of_addresses = of_addresses
        self._of_all = of_all

    def count(self) -> int:
        """Connections of the peers."""
        return self._of_all.of_peers((0,))

    def count_of(self, source: str) -> int:
        """Connections of the peers from an address."""
        return self._of_addresses.of_peers(self._of_addresses.slots(source))

    def changed(self, source: str | None, more: int) -> None:
        """Add `more` connections of this worker, from an address if that is counted."""
        self._of_all.add((0,), more)
        if source is not None:
            self._of_addresses.add(self._of_addresses.slots(source), more)


@dataclass(frozen=True, slots=True)
class WorkerPeers:
    """Counts of the node's other `processes`, as one of them sees them; a node of one process has none."""

    processes: int = 1
    connections: PeerCounts = field(default_factory=PeerCounts)
    in_flight: InFlight = field(default_factory=InFlight)
