"""What the cluster did before the seconds that are judged, in steps of ten: by what nodes keep for hours."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil, floor

from gateway.contract.telemetry import HISTORY, ClientCount, TelemetryRecord
from subject.cluster.samples import JUMP_SECONDS

STEP_SECONDS = int(HISTORY.interval_seconds)
LATE_SECONDS = STEP_SECONDS + 2
"""After so long all nodes have told of a step."""
FIRST_SECONDS = 1.5 * STEP_SECONDS
"""A boot's first record of the history comes within this time; what it counts began with the boot."""


@dataclass(frozen=True, slots=True)
class Step:
    """Sums of all nodes over ten seconds from `start` on; `clients`: requests of those that nodes listed."""

    start: int
    requests: float
    new_clients: float
    clients: dict[str, float]


@dataclass(slots=True)
class _Sums:
    requests: float = 0.0
    new_clients: float = 0.0
    clients: dict[str, float] = field(default_factory=dict)


class Steps:
    """Adds records of the history up, and keeps the sums only."""

    def __init__(self) -> None:
        self._last: dict[str, TelemetryRecord] = {}
        self._sums: dict[int, _Sums] = {}

    def add(self, records: Iterable[TelemetryRecord]) -> None:
        """What came since; each boot's records in their order."""
        for record in records:
            earlier = self._last.get(record.node_id)
            self._last[record.node_id] = record
            if earlier is not None and earlier.boot_id == record.boot_id:
                if _goes_on(earlier, record):
                    self._spread(earlier, record)
            elif 0 < record.at - record.started_at <= FIRST_SECONDS:
                self._spread(None, record)

    def kept(self, first: float, last: float) -> tuple[Step, ...]:
        """Those that lie between these times, of which all has come; what is older is forgotten."""
        self._sums = {number: sums for number, sums in self._sums.items() if number * STEP_SECONDS >= first}
        self._last = {node_id: record for node_id, record in self._last.items() if record.at >= first}
        return tuple(
            Step(number * STEP_SECONDS, sums.requests, sums.new_clients, sums.clients)
            for number, sums in sorted(self._sums.items())
            if (number + 1) * STEP_SECONDS <= last - LATE_SECONDS
        )

    def _spread(self, earlier: TelemetryRecord | None, record: TelemetryRecord) -> None:
        """Evenly over the time from one record to the next, or from the boot to its first."""
        start = record.started_at if earlier is None else earlier.at
        requests = record.boot.requests - (0 if earlier is None else earlier.boot.requests)
        new_clients = record.new_clients - (0 if earlier is None else earlier.new_clients)
        gains = _gains(() if earlier is None else earlier.busiest, record.busiest)
        for number in range(floor(start / STEP_SECONDS), ceil(record.at / STEP_SECONDS)):
            inside = min(record.at, (number + 1) * STEP_SECONDS) - max(start, number * STEP_SECONDS)
            part = inside / (record.at - start)
            sums = self._sums.setdefault(number, _Sums())
            sums.requests += requests * part
            sums.new_clients += new_clients * part
            for client, gain in gains.items():
                sums.clients[client] = sums.clients.get(client, 0.0) + gain * part


def _goes_on(earlier: TelemetryRecord, record: TelemetryRecord) -> bool:
    """Whether the clock went on between them, and the counts did."""
    return (
        earlier.at < record.at <= earlier.at + HISTORY.seconds
        and abs(record.started_at - earlier.started_at) <= JUMP_SECONDS
        and record.boot.requests >= earlier.boot.requests
        and record.new_clients >= earlier.new_clients
    )


def _gains(earlier: Iterable[ClientCount], later: Iterable[ClientCount]) -> dict[str, int]:
    """Of those that both list, without having left the sketch in between."""
    before = {(entry.client, entry.error): entry.units for entry in earlier}
    return {
        entry.client: entry.units - before[entry.client, entry.error]
        for entry in later
        if (entry.client, entry.error) in before
    }
