"""Records, series and snapshots with everything that a test does not care about filled in."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import exp

from gateway.contract import sketches
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override, Overrides
from gateway.contract.policy_table import ClientPolicy, PolicyTable
from gateway.contract.records import (
    ClientCount,
    RosterEntry,
    StoreStatus,
    TelemetryRecord,
    Totals,
    UpstreamTotals,
)
from gateway.contract.sketches import bucket, histogram_from_counts
from subject.cluster import samples
from subject.cluster.node import SamplesOf
from subject.cluster.policies import Policies
from subject.cluster.snapshot import Snapshot, take
from subject.cluster.view import RedisHealth, View
from subject.cluster.windows import ClientWindow
from subject.thresholds import Thresholds

START = 1_700_000_000
"""A whole second; series begin here."""
THRESHOLDS = Thresholds()
SAME = "0" * 16
"""The digest of what all nodes enforce, unless told otherwise."""
CONNECTED = RedisHealth(True, "127.0.0.1:6379", round_trip_seconds=0.0004, used_bytes=2_000_000)
AWAY = RedisHealth(False, "127.0.0.1:6379", problem="connection refused")

Rate = Callable[[int], int]
"""Events in second n of a series."""


def always(events: int) -> Rate:
    """The same in each second."""
    return steps((0, events))


def steps(*parts: tuple[int, int]) -> Rate:
    """(from second, rate) pairs: the rate that holds in each second."""
    return lambda second: next(rate for start, rate in reversed(parts) if second >= start)


def record(node_id: str = "node-1", at: float = START, **fields: object) -> TelemetryRecord:
    """A record that says nothing but who and when."""
    empty = TelemetryRecord(
        node_id=node_id,
        boot_id="boot-a",
        sequence=2,
        at=at,
        started_at=START - 1000,
        leaving=False,
        boot=Totals(),
        carried=Totals(),
        malformed=0,
        upstream=UpstreamTotals(),
        store=StoreStatus(connected=True),
        latency=(),
        upstream_latency=(),
        store_latency=(),
        in_flight=0,
        loop_lag_seconds=0.001,
        cpu_seconds=0.0,
        rss_bytes=50_000_000,
        clock_skew_seconds=0.0,
        clients=(),
        busiest=(),
        most_refused=(),
    )
    return replace(empty, **fields)  # type: ignore[arg-type]  # names and types are those of the record


def entry(last: TelemetryRecord, policy_digest: str = SAME) -> RosterEntry:
    """A node's roster entry; node-N is at port 808N, its admin listener at 100N, where nobody answers: on a
    port that others may use, a node of theirs would."""
    number = last.node_id[-1]
    return RosterEntry(f"127.0.0.1:808{number}", f"127.0.0.1:100{number}", "0.1.0", policy_digest, last)


NEVER, ONE = always(0), always(1)


@dataclass(frozen=True, slots=True)
class NodeScript:
    """What one node did, second by second; `phase` is when in a second it publishes."""

    node_id: str = "node-1"
    requests: Rate = NEVER
    refused: Rate = NEVER
    denied: Rate = NEVER  # of these
    in_shadow: Rate = NEVER  # of the others
    fallbacks: Rate = NEVER
    round_trip_ms: Rate = ONE
    loop_lag_ms: Rate = ONE
    upstream_ms: Rate = ONE
    upstream_errors: Rate = NEVER
    newcomers: Callable[[int], Sequence[str]] = lambda _: ()
    connected: Rate = ONE
    clients: Mapping[str, Rate] = field(default_factory=dict)
    refused_clients: Mapping[str, Rate] = field(default_factory=dict)
    phase: float = 0.0
    boot_id: str = "boot-a"
    cpu_seconds_per_second: float = 0.2
    workers: int = 1

    def records(self, seconds: int, first: int = 0, lost: Iterable[int] = ()) -> list[TelemetryRecord]:
        """The records of seconds `first` to `seconds`, those in `lost` left out."""
        state = _Cumulative()
        found = []
        for second in range(first, seconds):
            state.add(self, second)
            if second not in lost:
                found.append(state.record(self, second, first))
        return found


@dataclass(slots=True)
class _Cumulative:
    requests: int = 0
    refused: int = 0
    denied: int = 0
    in_shadow: int = 0
    fallbacks: int = 0
    errors: int = 0
    round_trips: dict[int, int] = field(default_factory=dict)
    upstream: dict[int, int] = field(default_factory=dict)
    new_clients: int = 0
    sketch: tuple[str, ...] = ()
    clients: dict[str, int] = field(default_factory=dict)
    refused_clients: dict[str, int] = field(default_factory=dict)
    recent: dict[str, float] = field(default_factory=dict)

    def add(self, script: NodeScript, second: int) -> None:
        requests = script.requests(second)
        self.requests += requests
        self.refused += script.refused(second)
        self.denied += script.denied(second)
        self.in_shadow += script.in_shadow(second)
        self.fallbacks += script.fallbacks(second)
        number = bucket(script.round_trip_ms(second) / 1000)
        self.round_trips[number] = self.round_trips.get(number, 0) + requests - script.fallbacks(second)
        admitted = requests - script.refused(second)
        self.errors += script.upstream_errors(second)
        number = bucket(script.upstream_ms(second) / 1000)
        self.upstream[number] = self.upstream.get(number, 0) + admitted
        names = script.newcomers(second)
        self.new_clients += len(names)
        self.sketch = sketches.add_clients(self.sketch, names)
        for sums, rates in ((self.clients, script.clients), (self.refused_clients, script.refused_clients)):
            for client, rate in rates.items():
                units = rate(second)
                sums[client] = sums.get(client, 0) + units
                self.recent[client] = 0.8 * self.recent.get(client, 0.0) + units

    def record(self, script: NodeScript, second: int, first: int) -> TelemetryRecord:
        return record(
            script.node_id,
            START + second + 1 + script.phase,
            boot_id=script.boot_id,
            sequence=second - first + 1,
            started_at=START + first + script.phase,
            boot=Totals(
                self.requests,
                self.requests - self.refused,
                self.refused,
                denied=self.denied,
                shadow_refused=self.in_shadow,
            ),
            upstream=UpstreamTotals(self.requests - self.refused, self.errors),
            store=StoreStatus(bool(script.connected(second)), self.requests - self.fallbacks, self.fallbacks),
            latency=histogram_from_counts({bucket(0.004): self.requests - self.refused}),
            upstream_latency=histogram_from_counts(self.upstream),
            store_latency=histogram_from_counts(self.round_trips),
            loop_lag_seconds=script.loop_lag_ms(second) / 1000,
            clients=self.sketch,
            new_clients=self.new_clients,
            cpu_seconds=script.cpu_seconds_per_second * (second - first + 1),
            workers=script.workers,
            busiest=self._listed(self.clients),
            most_refused=self._listed(self.refused_clients),
        )

    def _listed(self, units: Mapping[str, int]) -> tuple[ClientCount, ...]:
        """Twenty at most, those with the most recent units, as nodes rank them."""
        used = [client for client, count in units.items() if count]
        heaviest = sorted(used, key=lambda client: (-self.recent.get(client, 0.0), -units[client]))
        return tuple(ClientCount(client, units[client], 0) for client in heaviest[:20])


def view(
    records: Iterable[TelemetryRecord],
    at: float | None = None,
    *,
    redis: RedisHealth = CONNECTED,
    answering: Sequence[TelemetryRecord] = (),
    asked: Iterable[str] = (),
    policies: Policies | None = None,
    windows: Sequence[ClientWindow] = (),
    seen_at: float | None = None,
    digests: Mapping[str, str] | None = None,
) -> View:
    """A look that brought these records; `at` is by default when the newest came.

    `answering`: what nodes answered when they were asked at /state; `asked`: those that did not; `digests`:
    of what the nodes named enforce.
    """
    found = [*records, *answering]
    newest = {one.node_id: one for one in sorted(found, key=lambda one: one.at)}
    now = max((one.at for one in found), default=float(START)) if at is None else at
    return View(
        at=now,
        seen_at=now if seen_at is None else seen_at,
        redis=redis,
        roster={node_id: entry(last, (digests or {}).get(node_id, SAME)) for node_id, last in newest.items()},
        records=tuple(found),
        states={one.node_id: entry(one) for one in answering},
        asked=frozenset({*asked, *(one.node_id for one in answering)}),
        policies=policies or Policies(),
        windows=tuple(windows),
    )


def snapshot(
    records: Iterable[TelemetryRecord],
    at: float | None = None,
    samples_of: SamplesOf = samples.made_of,
    **fields: object,
) -> Snapshot:
    """What is made of that look. Who looks every second gives a `Remembered`, as the subject does."""
    return take(view(records, at, **fields), THRESHOLDS.node_down_seconds, samples_of)  # type: ignore[arg-type]  # those of view


def cluster(*scripts: NodeScript, seconds: int, **fields: object) -> Snapshot:
    """A snapshot just after these nodes have published for so many seconds."""
    return snapshot([one for script in scripts for one in script.records(seconds)], **fields)  # type: ignore[arg-type]  # those of view


def even(requests: Rate, nodes: int = 3, **fields: object) -> list[NodeScript]:
    """Nodes that each see a share of `requests`, the first ones the rest, and publish at different times."""

    def share(position: int) -> Rate:
        return lambda second: (requests(second) + nodes - 1 - position) // nodes

    return [
        NodeScript(f"node-{n + 1}", share(n), phase=n / (nodes + 1), **fields)  # type: ignore[arg-type]  # those of the class
        for n in range(nodes)
    ]


def poisson(generator: random.Random, rate: float) -> Rate:
    """Counts of random arrivals, a new one at each call (Knuth; large rates as sums of small ones)."""

    def draw(second: int) -> int:
        del second
        total, left = 0, rate
        while left > 0:
            step = min(left, 30.0)
            left -= step
            limit, product = exp(-step), generator.random()
            while product > limit:
                total += 1
                product *= generator.random()
        return total

    return draw


def policies(
    default: str = "100/m",
    clients: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
    on_store_failure: str = "local",
    malformed: Sequence[str] = (),
    **fields: object,
) -> Policies:
    """Limits by client as texts; `fields` are further ones of the table."""
    table = PolicyTable(
        parse_limits(default),
        "accept",
        on_store_failure,
        {},
        {name: ClientPolicy(None, parse_limits(text)) for name, text in (clients or {}).items()},
        **fields,  # type: ignore[arg-type]  # names and types are those of the table
    )
    live = {name: Override(parse_limits(text), "tester", START) for name, text in (overrides or {}).items()}
    return Policies(Overrides(live, malformed=tuple(malformed)), table)
