"""The record that each node publishes once a second.

Counters are cumulative since the boot named by `boot_id`, so a lost record costs resolution and no counts.
"""

import operator
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

from gateway.contract import keys
from gateway.contract.sketches import Buckets

STREAM_FIELD = "record"
INTERVAL_SECONDS = 1.0
TOP = 20
"""So long are the lists of clients in a record."""
HISTORY_TOP = 5
"""So long are the lists of clients in the history."""
NAMES = 3
NAME_LENGTH = 100
PROBLEM_LENGTH = 200
NO_HASH = "is no hash"
"""What a node's `LiveChanges.problem` ends with where the overrides are something else."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Requests by outcome: ``requests`` = admitted + refused + failed + unidentified.

    admitted: the upstream's answer went to the client (whatever its status, also where the client left).
    refused: over its limit (429), or denied (403); denied: of these, by the deny list.
    unidentified: no usable key (401).
    failed: the node answered with another error of its own (413, 500, 502, 503, 504, 508, or 400 and 408 for
    a body that broke or came too slowly), or an answer broke off.
    shadow_refused: of those that were let through, what policies in shadow would have refused.
    What cannot be read, or could be read in two ways (400 and the like), is no request and is counted apart.
    """

    requests: int = 0
    admitted: int = 0
    refused: int = 0
    failed: int = 0
    unidentified: int = 0
    denied: int = 0
    shadow_refused: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(*map(operator.add, _of_totals(self), _of_totals(other)))

    def __sub__(self, other: "Totals") -> "Totals":
        return Totals(*map(operator.sub, _of_totals(self), _of_totals(other)))


@dataclass(frozen=True, slots=True)
class Upstream:
    """What became of the requests that were sent to the upstream; those whose client left are in none.

    answered: with a whole answer. broken: it could not be reached, spoke nonsense, or broke off.
    timed_out: it was silent for too long. server_errors: heads with 5xx, whatever became of the rest.
    """

    answered: int = 0
    server_errors: int = 0
    broken: int = 0
    timed_out: int = 0

    def __sub__(self, other: "Upstream") -> "Upstream":
        return Upstream(*map(operator.sub, _of_upstream(self), _of_upstream(other)))


# `astuple` copies each number deeply, and these are subtracted for every second that is looked at.
_of_totals = operator.attrgetter(*(item.name for item in fields(Totals)))
_of_upstream = operator.attrgetter(*(item.name for item in fields(Upstream)))


@dataclass(frozen=True, slots=True)
class Store:
    """How decisions were made, and whether Redis answers now."""

    connected: bool
    decisions: int = 0  # by Redis
    fallbacks: int = 0  # without it
    discarded: int = 0  # replies outside the stamp's tolerance, decided once more
    remembered: int = 0  # refused without asking, since Redis had just refused as much
    posted: int = 0  # units that were admitted without it and then counted there
    uncertain: int = 0  # units whose connection broke before the reply: counted, or not
    trouble: str = ""  # what is wrong with Redis, in words; empty where nothing is
    evicted: int | None = None  # keys since Redis' own start, as it says; None: it has not told this node


@dataclass(frozen=True, slots=True)
class LiveChanges:
    """What the node makes of the overrides hash."""

    fields: int = 0  # limits and generations that it has taken over
    malformed: int = 0  # fields that it refuses; their last good values stay in force
    names: tuple[str, ...] = ()  # of the first `NAMES` of these, as printable ASCII of at most `NAME_LENGTH`
    problem: str = ""  # why it takes no change over, in printable ASCII too; empty where it does
    since: float | None = None  # when it first refused what it refuses, by Redis' clock
    version: int = 0  # it has taken over all changes up to this one; 0: none, or it does not say
    taken_at: float | None = None  # when it took that one over, by Redis' clock


@dataclass(frozen=True, slots=True)
class Reloads:
    """What became of reloads of the node's files, since its start."""

    done: int = 0
    failed: int = 0  # nothing was changed by these
    at: float | None = None  # when the last one was, by Redis' clock
    problem: str = ""  # why the last one failed, in printable ASCII; empty where it did not


def as_published(text: str, length: int = NAME_LENGTH) -> str:
    """A foreign text as a record, a log and a terminal may hold it: printable ASCII, not too long."""
    return ascii(text)[1:-1][:length]


class ClientCount(NamedTuple):
    """A heavy hitter; three elements of an array in JSON.

    The true count is in [units − error, units] (Space-Saving, Metwally et al. 2005).
    """

    client: str
    units: int
    error: int


@dataclass(frozen=True, slots=True)
class TelemetryRecord:
    """One node's second."""

    node_id: str
    boot_id: str
    sequence: int  # from 1, per boot
    at: float  # seconds since 1970, by Redis' clock as this node knows it
    started_at: float  # by Redis' clock too, to within its error in each record
    leaving: bool  # the node's last record: it left in order
    boot: Totals  # of this boot
    carried: Totals  # of the boots before it, as far as their last records say
    malformed: int
    upstream: Upstream
    store: Store
    latency: Buckets  # of whole requests that were forwarded, in the node
    upstream_latency: Buckets  # from the request's head sent to the answer's head
    store_latency: Buckets  # round trips of counting batches
    in_flight: int
    loop_lag_seconds: float  # the longest of the last second
    cpu_seconds: float  # user and system time of this boot, of all its processes
    rss_bytes: int
    clock_skew_seconds: float  # the node's wall clock less Redis'
    clients: tuple[str, ...]  # the smallest digests of clients seen: see `distinct`
    # `TOP` each, ranked by what they got lately; the counts are cumulative. So a client may leave a list and
    # come back with a higher count.
    busiest: tuple[ClientCount, ...]  # by requests
    most_refused: tuple[ClientCount, ...]  # by refusals
    overrides: LiveChanges = LiveChanges()
    reloads: Reloads = Reloads()
    new_clients: int = 0  # whom this boot saw for the first time, as far as it remembers
    workers: int = 1  # processes that serve


@dataclass(frozen=True, slots=True)
class RecordStream:
    """A stream of records: one a node and interval, for so long, but no more bytes than these."""

    key: str
    interval_seconds: float
    seconds: int
    most_bytes: int

    def takes(self, sequence: int) -> bool:
        """Whether it gets the record of this number."""
        return sequence % round(self.interval_seconds / INTERVAL_SECONDS) == 0

    def longest(self, record_bytes: int, nodes: int) -> int:
        """How many entries it is cut to, of records of this size and so many nodes."""
        return min(int(self.seconds / self.interval_seconds) * nodes, self.most_bytes // record_bytes)


LATEST = RecordStream(keys.TELEMETRY, INTERVAL_SECONDS, 600, 40_000_000)
HISTORY = RecordStream(keys.HISTORY, 10.0, 6 * 3600, 20_000_000)


def for_history(record: TelemetryRecord) -> TelemetryRecord:
    """What is kept of it for hours: less about clients."""
    return replace(
        record,
        clients=(),
        busiest=record.busiest[:HISTORY_TOP],
        most_refused=record.most_refused[:HISTORY_TOP],
    )
