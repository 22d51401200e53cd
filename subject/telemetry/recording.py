"""A recording: what looks brought, as lines of JSON. docs/recording.md has the format.

Each line is an object of one member, whose name says what it is. The header is the first one. A telemetry
record is written once, and a policy table once, before the first look that knows of it.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from gateway.contract.overrides import Override, Overrides
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import AuditRecord, RecordError, RosterEntry, TelemetryRecord, encode
from subject.cluster.policies import Policies
from subject.cluster.present_time import kept
from subject.cluster.steps import Step
from subject.cluster.view import RedisHealth, View
from subject.cluster.windows import ClientWindow
from subject.errors import UsageError
from subject.figures import LATEST
from subject.telemetry.active import Name, name
from subject.telemetry.records import decode
from subject.thresholds import Thresholds

FORMAT, VERSION = "operator-ratelimiter-recording", 1
HEADER, TABLE, RECORD, STEP, CHANGE, LOOK = "header", "table", "record", "step", "change", "look"
_LINE = re.compile(r'\{"(?P<kind>[a-z_]+)":(?P<content>.*)\}\s*', re.DOTALL)
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Header:
    """What a recording is, who wrote it, and the thresholds that were in force."""

    format: str
    version: int
    written_by: str
    thresholds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Table:
    """The policies that some node enforces."""

    digest: str
    table: PolicyTable


@dataclass(frozen=True, slots=True)
class Look:
    """A `View` without its records, which stand before it, and with digests for its tables."""

    at: float
    seen_at: float | None
    redis: RedisHealth
    roster: dict[str, RosterEntry]
    states: dict[str, RosterEntry]
    asked: tuple[str, ...]
    unanswered: tuple[str, ...]
    windows: tuple[ClientWindow, ...]
    unreadable: tuple[str, ...]
    unread_nodes: tuple[str, ...]
    limits: dict[str, Override]
    generations: dict[str, int]
    malformed: tuple[str, ...]
    ended: dict[str, Override]
    problem: str
    tables: tuple[str, ...]
    table: str | None  # the one that most nodes enforce
    table_since: float = 0.0
    changes: int | None = None  # how many of the changes told so far it knows of, the latest; None: of none


def first_line(thresholds: Thresholds, written_by: str) -> str:
    """That of a new recording, with its header."""
    values = {name: float(getattr(thresholds, name)) for name in Thresholds.model_fields}
    return line(HEADER, Header(FORMAT, VERSION, written_by, values))


@dataclass(slots=True)
class Writer:
    """Turns looks into lines, and remembers what has been written.

    `node_ids` are of whom there are records, `first_at` is when the first of these was; None: there is none.
    """

    tables: set[str] = field(default_factory=set)
    records: dict[Name, float] = field(default_factory=dict)  # with their times
    steps: int = 0  # up to the one that begins then
    changes: set[AuditRecord] = field(default_factory=set)  # of the last look
    node_ids: set[str] = field(default_factory=set)
    first_at: float | None = None

    def of_records(self, records: Iterable[TelemetryRecord]) -> Iterator[str]:
        """Those that have not been written, in order of time."""
        for record in sorted(records, key=lambda one: one.at):
            if self.records.get(name(record)) != record.at:
                self.records[name(record)] = record.at
                self.node_ids.add(record.node_id)
                self.first_at = record.at if self.first_at is None else min(self.first_at, record.at)
                yield line(RECORD, record)

    def of_view(self, view: View) -> Iterator[str]:
        """What is new in it, and then the look itself."""
        policies = view.policies
        for digest, table in policies.tables.items():
            if digest not in self.tables:
                self.tables.add(digest)
                yield line(TABLE, Table(digest, table))
        if view.steps and view.steps[-1].start < self.steps:
            self.steps = 0  # Redis' clock was put back: all are told again
        for step in view.steps:
            if step.start > self.steps:
                self.steps = step.start
                yield line(STEP, step.reckoned)
        for change in policies.changes or ():
            if change not in self.changes:
                yield line(CHANGE, change)
        self.changes = set(policies.changes or ())
        yield from self.of_records(view.records)
        yield line(LOOK, _look(view))
        oldest = min((record.at for record in view.records), default=view.at)
        self.records = {of: at for of, at in self.records.items() if at >= oldest}


def line(kind: str, record: Any) -> str:
    """One line, with its end."""
    return f'{{"{kind}":{encode(record)}}}\n'


def _look(view: View) -> Look:
    policies, live = view.policies, view.policies.overrides
    return Look(
        at=view.at,
        seen_at=view.seen_at,
        redis=view.redis,
        roster=dict(view.roster),
        states=dict(view.states),
        asked=tuple(sorted(view.asked)),
        unanswered=view.unanswered,
        windows=view.windows,
        unreadable=view.unreadable,
        unread_nodes=view.unread_nodes,
        limits=dict(live.limits),
        generations=dict(live.generations),
        malformed=live.malformed,
        ended=dict(policies.ended),
        problem=policies.problem,
        tables=tuple(policies.tables),
        table_since=policies.table_since,
        changes=None if policies.changes is None else len(policies.changes),
        table=next((digest for digest, table in policies.tables.items() if table is policies.table), None),
    )


class Recording:
    """Reads lines one after the other, and has what they say so far."""

    def __init__(self, given: Thresholds) -> None:
        """`given` are thresholds of here, of which those that are set go before the recorded ones."""
        self._given = given
        self.header: Header | None = None
        self.thresholds = given
        self.records: list[TelemetryRecord] = []
        self._steps: list[Step] = []
        self._tables: dict[str, PolicyTable] = {}
        self._changes: list[AuditRecord] = []

    def take(self, text: str) -> View | None:
        """What the next line adds; the view where it is a look.

        Raises:
            UsageError: it is no line of a recording, or of one in another version.
        """
        match = _LINE.fullmatch(text)
        if match is None:
            raise UsageError("this is no line of a recording")
        kind, content = match["kind"], match["content"]
        if self.header is None or kind == HEADER:
            self.header = _header(kind, content)
            self.thresholds = _thresholds(self.header, self._given)
        elif kind == TABLE:
            told = _decoded(Table, content)
            self._tables[told.digest] = told.table
        elif kind == RECORD:
            self.records.append(_decoded(TelemetryRecord, content))
        elif kind == CHANGE:
            self._changes.append(_decoded(AuditRecord, content))
        elif kind == STEP:
            with suppress(UsageError):  # sums of what hostile records count may go beyond all bounds
                added = _decoded(Step, content)
                self._steps = [*(step for step in self._steps if step.start < added.start), added]
        elif kind == LOOK:
            return self._view(_decoded(Look, content))
        return None  # what a later version adds says nothing to this one

    def _view(self, look: Look) -> View:
        if not 0 <= look.at <= LATEST:
            raise UsageError("a look at a time that no calendar has")
        self.records = kept(
            self.records, look.at, self.thresholds.baseline_seconds, by_redis=look.redis.connected
        )
        oldest = look.at - self.thresholds.history_seconds - self.thresholds.baseline_seconds
        self._steps = [step for step in self._steps if step.start >= oldest]
        return View(
            at=look.at,
            seen_at=look.seen_at,
            redis=look.redis,
            roster=look.roster,
            records=tuple(self.records),
            states=look.states,
            asked=frozenset(look.asked),
            unanswered=look.unanswered,
            policies=self._policies(look),
            windows=look.windows,
            unreadable=look.unreadable,
            unread_nodes=look.unread_nodes,
            steps=tuple(self._steps),
        )

    def _policies(self, look: Look) -> Policies:
        tables = {digest: self._tables[digest] for digest in look.tables if digest in self._tables}
        found = Policies.of(
            Overrides(look.limits, look.generations, look.malformed),
            None if look.table is None else tables.get(look.table),
            tables,
            look.ended,
            look.problem,
        )
        known = look.changes
        self._changes = self._changes[-known:] if known else []
        return replace(
            found,
            table_since=look.table_since,
            changes=None if known is None else tuple(self._changes),
        )


def _header(kind: str, content: str) -> Header:
    if kind != HEADER:
        raise UsageError("it does not begin with the header of a recording")
    found = _decoded(Header, content)
    if found.format != FORMAT:
        raise UsageError("its header is that of something else")
    if found.version != VERSION:
        raise UsageError(
            f"it has version {found.version} of the format, and version {VERSION} is what can be read"
        )
    return found


def _thresholds(found: Header, given: Thresholds) -> Thresholds:
    known = {name: value for name, value in found.thresholds.items() if name in Thresholds.model_fields}
    explicit = {
        name: getattr(given, name) for name in given.model_fields_set & Thresholds.model_fields.keys()
    }
    try:
        return Thresholds(**{**known, **explicit})
    except ValueError:
        raise UsageError("its header has thresholds that cannot be") from None


def _decoded(kind: type[Kind], content: str) -> Kind:
    try:
        return decode(kind, content)
    except RecordError as error:
        raise UsageError(str(error)) from None
