"""The records that nodes publish and operators write, and their JSON codec.

A record is a frozen dataclass of numbers, strings, limits, tuples, dicts and further records. A reader
ignores unknown fields, so that nodes of two versions can share a Redis; a field of another type, or a missing
one without a default, makes the record invalid. Values from `decode` are safe to compare, sum and print:
numbers fit 64 bits, strings are valid Unicode.
"""

import json
import operator
import types
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from functools import cache
from typing import Any, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from gateway.contract import keys
from gateway.contract.limits import Limits, parse_limits
from gateway.contract.sketches import Buckets

STREAM_FIELD = "record"
"""The field of an entry in each stream."""
INTERVAL_SECONDS = 1.0
"""Between two telemetry records of a node."""
TOP_CLIENTS = 20
"""Length of the lists of clients in a telemetry record."""
HISTORY_TOP_CLIENTS = 5
"""Length of these lists in the history."""
MAX_MALFORMED_NAMES = 3
MAX_NAME_LENGTH = 100
MAX_PROBLEM_LENGTH = 200
NOT_A_HASH = "is no hash"
"""The end of `LiveChanges.problem` if the overrides key has another type."""
AUDIT_STREAM_LENGTH = 10_000
MAX_REFUSALS = 1000
"""A node remembers this many of its last refusals."""
FORGET_AFTER_SECONDS = 600
"""A node that shut down cleanly stays listed this long."""
MAX_INTEGER = 2**63 - 1

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Totals:
    """Requests by outcome: ``requests`` = admitted + refused + failed + unidentified.

    admitted: the upstream's response went to the client (of any status, also if the client disconnected).
    refused: over its limit (429), or denied (403); denied: of these, by the deny list.
    unidentified: no usable key (401).
    failed: another error response of the node (413, 500, 502, 503, 504, 508, or 400 and 408 for an invalid or
    slow body), or an incomplete response.
    shadow_refused: admitted requests that policies in shadow mode would have refused.
    Malformed and ambiguous requests (400 and the like) are counted separately (`TelemetryRecord.malformed`).
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
class UpstreamTotals:
    """Requests to the upstream by result; those whose client disconnected are in none.

    answered: with a complete response. broken: connection refused or lost, or an invalid response.
    timed_out: no data within the timeout. server_errors: heads with 5xx, complete or not.
    """

    answered: int = 0
    server_errors: int = 0
    broken: int = 0
    timed_out: int = 0

    def __sub__(self, other: "UpstreamTotals") -> "UpstreamTotals":
        return UpstreamTotals(*map(operator.sub, _of_upstream(self), _of_upstream(other)))


# `astuple` copies each number deeply, and an observer subtracts these for every second that it reads.
_of_totals = operator.attrgetter(*(item.name for item in fields(Totals)))
_of_upstream = operator.attrgetter(*(item.name for item in fields(UpstreamTotals)))


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """How decisions were made, and whether Redis responds now."""

    connected: bool
    decisions: int = 0  # by Redis
    fallbacks: int = 0  # without it
    discarded: int = 0  # replies outside the stamp's tolerance, retried
    remembered: int = 0  # refused from memory, after a refusal by Redis
    posted: int = 0  # units that were admitted without Redis and counted there later
    uncertain: int = 0  # units whose connection was lost before the reply: counted, or not
    trouble: str = ""  # the problem with Redis; empty without one
    evicted: int | None = None  # keys since Redis' own start, by its INFO; None: not known to this node


@dataclass(frozen=True, slots=True)
class LiveChanges:
    """The state of the node's copy of the overrides hash."""

    fields: int = 0  # limits and generations in force
    malformed: int = 0  # invalid fields; their last valid values stay in force
    names: tuple[str, ...] = ()  # the first `MAX_MALFORMED_NAMES` of these, see `as_published`
    problem: str = ""  # why it applies no change, in printable ASCII; empty if it does
    since: float | None = None  # start of the present problem, by Redis' clock
    version: int = 0  # all changes up to this one are in force; 0: none, or unknown
    taken_at: float | None = None  # when that one came into force, by Redis' clock


@dataclass(frozen=True, slots=True)
class Reloads:
    """Reloads of the node's files since its start."""

    done: int = 0
    failed: int = 0  # without effect
    at: float | None = None  # time of the last one, by Redis' clock
    problem: str = ""  # why the last one failed, in printable ASCII; empty if it did not


def as_published(text: str, length: int = MAX_NAME_LENGTH) -> str:
    """An external string for a record, a log or a terminal: printable ASCII, truncated to `length`."""
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
    """What each node publishes once a second.

    Counters are cumulative since the boot of `boot_id`, so a lost record costs resolution and no counts.
    """

    node_id: str
    boot_id: str
    sequence: int  # from 1, per boot
    at: float  # seconds since 1970, by Redis' clock as this node knows it
    started_at: float  # by Redis' clock too, to within its error in each record
    leaving: bool  # the final record of a clean shutdown
    boot: Totals  # of this boot
    carried: Totals  # of earlier boots, by their last records
    malformed: int
    upstream: UpstreamTotals
    store: StoreStatus
    latency: Buckets  # of forwarded requests, whole time in the node
    upstream_latency: Buckets  # from the request's head sent to the response's head
    store_latency: Buckets  # round trips of counting batches
    in_flight: int
    loop_lag_seconds: float  # the longest of the last second
    cpu_seconds: float  # user and system time of this boot, of all its processes
    rss_bytes: int
    clock_skew_seconds: float  # the node's wall clock less Redis'
    clients: tuple[str, ...]  # the sketch of distinct clients: see `sketches`
    # `TOP_CLIENTS` each, ranked by recent units; the counts are cumulative. So a client may leave a list and
    # return with a higher count.
    busiest: tuple[ClientCount, ...]  # by requests
    most_refused: tuple[ClientCount, ...]  # by refusals
    overrides: LiveChanges = LiveChanges()
    reloads: Reloads = Reloads()
    new_clients: int = 0  # first seen in this boot, as far as it remembers
    workers: int = 1  # serving processes


@dataclass(frozen=True, slots=True)
class RecordStream:
    """A stream of records: one per node and interval, of `seconds` seconds, at most `max_bytes`."""

    key: str
    interval_seconds: float
    seconds: int
    max_bytes: int

    def includes(self, sequence: int) -> bool:
        """Whether the record of this number belongs in the stream."""
        return sequence % round(self.interval_seconds / INTERVAL_SECONDS) == 0

    def max_entries(self, record_bytes: int, nodes: int) -> int:
        """The stream's length for records of this size and this number of nodes."""
        return min(int(self.seconds / self.interval_seconds) * nodes, self.max_bytes // record_bytes)


TELEMETRY_STREAM = RecordStream(keys.TELEMETRY, INTERVAL_SECONDS, 600, 40_000_000)
HISTORY_STREAM = RecordStream(keys.HISTORY, 10.0, 6 * 3600, 20_000_000)


def for_history(record: TelemetryRecord) -> TelemetryRecord:
    """The record as the history keeps it: without the sketch, with shorter lists of clients."""
    return replace(
        record,
        clients=(),
        busiest=record.busiest[:HISTORY_TOP_CLIENTS],
        most_refused=record.most_refused[:HISTORY_TOP_CLIENTS],
    )


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """A node's field in the roster hash, under its id. Entries do not expire."""

    address: str  # host:port of the gateway, as others reach it
    admin_address: str  # host:port of its admin listener
    version: str
    policy_digest: str
    last: TelemetryRecord


@dataclass(frozen=True, slots=True)
class RefusedBy:
    """One window without room for the request."""

    name: str  # see `gateway.contract.policy_table.window_names`
    limit: Limits  # that window alone
    remaining: int
    retry_after_seconds: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused request, as ``/refusals/REQUEST-ID`` of the admin listener shows it. Without its key."""

    request_id: str
    at: float  # of its arrival, in seconds since 1970 by Redis' clock as the node knew it
    client: str
    cost: int  # units that it would have taken of each window
    by: tuple[RefusedBy, ...]
    concurrency: int | None = None  # the client's requests in flight at the node, if that is the reason


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One action of an operator, in the audit stream."""

    at: float  # seconds since 1970, by Redis' clock
    by: str
    action: str  # set | unset | reset | forget
    client: str  # empty for an action on a node
    before: str | None  # the override's limit before, or the generation
    after: str | None
    why: str | None
    until: float | None = None  # when a limit that was set expires, by Redis' clock
    node: str | None = None  # the one that was forgotten


class RecordError(ValueError):
    """Not JSON of the record, or a record that has no JSON."""


def encode(record: Any) -> str:
    """Compact JSON with the dataclass's field names.

    Raises:
        RecordError: a number is not finite, or a string is not Unicode (environment variables may not be).
    """
    try:
        text = json.dumps(
            record, default=_to_json, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        text.encode()
    except ValueError as error:
        raise RecordError(f"a {type(record).__name__} that cannot be written: {error}") from None
    return text


def decode(kind: type[Record], text: str | bytes) -> Record:
    """Parse a record of class `kind`.

    Raises:
        RecordError: not JSON, or not this record.
    """
    try:
        record: Record = _decoder(cast(Any, kind))(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise RecordError(f"not a {kind.__name__}: {error}") from None
    return record


def _to_json(value: Any) -> Any:
    """`json.dumps` calls this for values other than JSON's own types."""
    if isinstance(value, Limits):
        return str(value)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no place in a record")


@cache
def _decoder(hint: Any) -> Callable[[Any], Any]:
    """A function from parsed JSON to a value of type `hint`; it raises ValueError."""
    origin = get_origin(hint)
    if hint is Limits:
        return lambda value: parse_limits(_text(value))
    if is_dataclass(hint):
        return _dataclass_decoder(hint)
    if origin in (types.UnionType, Union):
        (inner,) = (_decoder(option) for option in get_args(hint) if option is not type(None))
        return lambda value: None if value is None else inner(value)
    if hasattr(hint, "_fields"):
        of_items = _tuple_decoder(tuple(get_type_hints(hint).values()))
        return lambda value: hint(*of_items(value))
    if origin is tuple:
        return _tuple_decoder(get_args(hint))
    if origin is dict:
        of_value = _decoder(get_args(hint)[1])
        return lambda value: {_text(key): of_value(item) for key, item in _instance(dict, value).items()}
    return {str: _text, int: _integer, float: _number}.get(hint, lambda value: _instance(hint, value))


def _instance(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{value!r:.40} is no {kind.__name__}")  # noqa: TRY004 - `decode` maps ValueError
    return value


def _text(value: Any) -> str:
    text: str = _instance(str, value)
    text.encode()  # raises for lone surrogates, which JSON can carry
    return text


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise ValueError(f"{value!r:.40} is no integer of 64 bits")
    return value


def _number(value: Any) -> float:
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not -MAX_INTEGER <= value <= MAX_INTEGER
    ):
        raise ValueError(f"{value!r:.40} is no number of a usual size")
    number = float(value)
    if abs(number) > MAX_INTEGER:  # the largest integers round up to 2**63
        raise ValueError(f"{value!r:.40} is no number of a usual size")
    return number


def _tuple_decoder(hints: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(hints) == 2 and hints[1] is Ellipsis:
        item = _decoder(hints[0])
        return lambda value: tuple([item(element) for element in _instance(list, value)])
    items = [_decoder(hint) for hint in hints]
    if items == [_integer, _integer]:
        return _bucket
    return lambda value: tuple(
        [item(element) for item, element in zip(items, _instance(list, value), strict=True)]
    )


def _bucket(value: Any) -> tuple[int, int]:
    """A histogram's pair. Hot: most of a record's values are these, so the common case comes first."""
    first, second = _instance(list, value)
    if type(first) is int is type(second) and -MAX_INTEGER <= first <= MAX_INTEGER >= second >= -MAX_INTEGER:
        return first, second
    return _integer(first), _integer(second)


def _dataclass_decoder(kind: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    plan = [
        (item.name, _decoder(hints[item.name]), item.default is MISSING and item.default_factory is MISSING)
        for item in fields(kind)
    ]

    def build(value: Any) -> Any:
        given = _instance(dict, value)
        values = {}
        for name, decoder, needed in plan:
            if name in given:
                try:
                    values[name] = decoder(given[name])
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
            elif needed:
                raise ValueError(f"{name} is missing")
        return kind(**values)

    return build
