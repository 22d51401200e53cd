"""When requests are sent: each when the last one is answered, or each at its time."""

import time
from collections import deque
from collections.abc import Callable, Sequence

from loadtest.bench.connection import Connection
from loadtest.bench.tally import Tally
from loadtest.bench.ticker import Ticker

MakeRequest = Callable[[int], bytes]


class ClosedLoop:
    """Each connection sends as soon as it is free: as much as the other side takes."""

    def __init__(self, tally: Tally, request: MakeRequest) -> None:
        """Nothing is sent yet."""
        self._tally = tally
        self._request = request

    def start(self, connections: Sequence[Connection]) -> None:
        """Send the first requests."""
        for connection in connections:
            self._send(connection, time.perf_counter())

    def answered(self, connection: Connection, status: bytes, since: float) -> None:
        """Count an answer, and send the next request."""
        now = self._tally.count(status, since)
        if not self._tally.end.done():
            self._send(connection, now)

    def _send(self, connection: Connection, now: float) -> None:
        connection.send(self._request(self._tally.sent), now)
        self._tally.sent += 1

    def stop(self) -> None:
        """It ends with the tally by itself."""


class OpenLoop:
    """A request at each tick, whatever has become of the last ones. Latencies run from the tick, so that a
    request that had to wait for a free connection, or for a generator that was late, is as late as it is."""

    def __init__(self, tally: Tally, request: MakeRequest, per_second: float) -> None:
        """Nothing is sent yet."""
        self._tally = tally
        self._request = request
        self._per_second = per_second
        self._ticks = 0
        self._free: deque[Connection] = deque()
        self._waiting: deque[float] = deque()

    def start(self, connections: Sequence[Connection]) -> None:
        """Begin to tick."""
        self._free.extend(connections)
        self._ticker = Ticker(self._per_second, self._due)

    def _due(self, ticks: int) -> None:
        for _ in range(0 if self._tally.end.done() else ticks):
            self._ticks += 1
            since = self._ticker.started_at + self._ticks * self._ticker.interval_seconds
            if self._free:
                self._send(self._free.popleft(), since)
            else:
                self._waiting.append(since)

    def answered(self, connection: Connection, status: bytes, since: float) -> None:
        """Count an answer; what waits for a connection gets this one."""
        self._tally.count(status, since)
        if self._tally.end.done():
            return
        if self._waiting:
            self._send(connection, self._waiting.popleft())
        else:
            self._free.append(connection)

    def _send(self, connection: Connection, since: float) -> None:
        connection.send(self._request(self._tally.sent), since)
        self._tally.sent += 1

    def stop(self) -> None:
        """Tick no more."""
        self._ticker.stop()
