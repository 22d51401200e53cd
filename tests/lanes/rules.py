"""Named rules by which a record is normalized before it is compared.

`LANES` is what is made equal between the two lanes of one build. `RECORDING` adds what two builds may do
differently without a visible difference; `DIFFERENCES` is for what a later build does differently on purpose.
A rule is applied to both sides of a comparison: the header of a recording lists those in force, and a build
that has others rejects it. So a rule that is added needs a new recording of the old build: copy
`tests/lanes/` but for `entry.py` into a checkout of that, and record there.

Dates, and the seconds in the log, need no rule: all clocks are those of the case. Boot ids do not occur: the
proxy does not have them. What happens within one instant has no order here but where a case says it
(`Together` in `tests.lanes.generator.case`).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from tests.lanes.generator.case import Case, End, Hold
from tests.lanes.record import Counters, Events, Line, Seen

_DIGITS = 6
_OPEN_SIZE = re.compile(
    r" in=[0-9]{5,}|(?<=malformed) in=[0-9]+|(?<=unidentified) in=[0-9]+|(?<=refused) in=[0-9]+"
    r"|(?<=failed) in=[0-9]+"
)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"([0-9a-f]+)\r\n")
_ID = re.compile(rb"5eed5eed[0-9a-f]{24}")
_SHORTEST = b"5eed5eed"

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Rule:
    """One normalization."""

    name: str
    what: str
    """What is made equal, and why."""
    right: str
    """Where the lanes of the recorded build differ in it: what a build with one engine does."""
    apply: Callable[[Seen, Case], Seen]


def normalized(seen: Seen, case: Case, rules: Iterable[Rule]) -> Seen:
    """Apply all of them, in order."""
    for rule in rules:
        seen = rule.apply(seen, case)
    return seen


def of_streams(seen: Seen, change: Callable[[Events], Events]) -> Seen:
    """Change what came at the end of each connection."""
    return replace(
        seen,
        clients=tuple(map(change, seen.clients)),
        upstreams=tuple((name, change(events)) for name, events in seen.upstreams),
    )


def _round_times(seen: Seen, case: Case) -> Seen:
    del case
    counters: Counters = {
        name: (value[0], round(value[1], _DIGITS)) if isinstance(value, tuple) else value
        for name, value in seen.counters.items()
    }
    return replace(
        of_streams(seen, lambda events: tuple((round(at, _DIGITS), what) for at, what in events)),
        counters=counters,
    )


def _join_pieces(seen: Seen, case: Case) -> Seen:
    del case
    return of_streams(seen, _joined)


def _joined(events: Events) -> Events:
    joined: list[tuple[float, bytes | End]] = []
    for at, what in events:
        if joined and joined[-1][0] == at and isinstance(what, bytes):
            before = joined[-1][1]
            if isinstance(before, bytes):
                joined[-1] = at, before + what
                continue
        joined.append((at, what))
    return tuple(joined)


def _hide_open_sizes(seen: Seen, case: Case) -> Seen:
    del case
    return replace(
        seen,
        logged=tuple(line._replace(message=_OPEN_SIZE.sub(" in=…", line.message)) for line in seen.logged),
    )


def _drop_ends_at_upstreams(seen: Seen, case: Case) -> Seen:
    if not any(isinstance(step, Hold) for step in case.steps):
        return seen
    return replace(
        seen,
        upstreams=tuple(
            (name, tuple(event for event in events if isinstance(event[1], bytes)))
            for name, events in seen.upstreams
        ),
    )


def _drop_ends_after_broken_bodies(seen: Seen, case: Case) -> Seen:
    del case
    return replace(seen, clients=tuple(map(_without_end_if_broken, seen.clients)))


def _without_end_if_broken(events: Events) -> Events:
    if not any(isinstance(what, bytes) and b"The body is not well-formed." in what for _, what in events):
        return events
    return tuple(event for event in events if isinstance(event[1], bytes))


def _join_chunks(seen: Seen, case: Case) -> Seen:
    del case
    return replace(seen, upstreams=tuple((name, _without_sizes(events)) for name, events in seen.upstreams))


def _without_sizes(events: Events) -> Events:
    found: list[tuple[float, bytes | End]] = []
    is_chunked = False
    for at, what in events:
        if isinstance(what, bytes):
            head, end, content = what.partition(b"\r\n\r\n") if b" HTTP/1.1\r\n" in what else (b"", b"", what)
            is_chunked = _CHUNKED.search(b"\r\n" + head) is not None if end else is_chunked
            found.append((at, head + end + (_content_of(content) if is_chunked else content)))
        else:
            found.append((at, what))
    return tuple(found)


def _content_of(chunks: bytes) -> bytes:
    content, rest = b"", chunks
    while match := _CHUNK_SIZE.match(rest):
        size = int(match[1], 16)
        content, rest = content + rest[match.end() : match.end() + size], rest[match.end() + size + 2 :]
        if not size:
            content += b"<end>"
    return content + rest


LANES = (
    Rule(
        "instants",
        "Times are rounded to a microsecond: sums of the same seconds differ in the last digits.",
        "no difference",
        _round_times,
    ),
    Rule(
        "writes",
        "Bytes that are sent at one instant are one piece: tests/e2e/test_system_calls.py counts calls.",
        "one write for what one read brings, as the fast lane does",
        _join_pieces,
    ),
    Rule(
        "open-sizes",
        "How much of a body of five digits had come when its request was logged, or of any whose request"
        " was not forwarded to its end: the complete lane takes 32 kB a turn and responds a turn later.",
        "all that was read before the response, as in the fast lane",
        _hide_open_sizes,
    ),
    Rule(
        "held-ends",
        "When connections to upstreams end in a case with a client that takes nothing for a while: the"
        " complete lane reads 128 KiB of a response ahead, and so is done with its connection earlier.",
        "nothing is buffered between (the fast lane); a place is released when the upstream has sent all",
        _drop_ends_at_upstreams,
    ),
    Rule(
        "broken-bodies",
        "When the connection of a client ends whose request's content was malformed: the complete lane closes"
        " at once, and loses the response if the client goes on sending.",
        "what the client still sends is discarded for up to 5 s",
        _drop_ends_after_broken_bodies,
    ),
    Rule(
        "chunks",
        "Chunks of a request's content that go up at one instant are one: where they are cut is the node's"
        " choice.",
        "one chunk for what one turn has parsed",
        _join_chunks,
    ),
)


def _drop_logger_names(seen: Seen, case: Case) -> Seen:
    del case
    return replace(seen, logged=tuple(line._replace(logger="") for line in seen.logged))


def _sort_upstreams(seen: Seen, case: Case) -> Seen:
    del case
    return replace(seen, upstreams=tuple(sorted(seen.upstreams, key=_place_of_upstream)))


def _place_of_upstream(upstream: tuple[str, Events]) -> tuple[str, tuple[float, ...], bytes]:
    name, events = upstream
    data = b"".join(what for _, what in events if isinstance(what, bytes))
    return name, tuple(at for at, _ in events), _ID.sub(b"", data)


def _number_request_ids(seen: Seen, case: Case) -> Seen:
    del case
    numbers: dict[bytes, bytes] = {}

    def number(match: re.Match[bytes]) -> bytes:
        return numbers.setdefault(match[0], b"<id %d>" % (len(numbers) + 1))

    def text(value: str) -> str:
        return _ID.sub(number, value.encode()).decode() if "5eed5eed" in value else value

    def events(given: Events) -> Events:
        if not any(isinstance(what, bytes) and _SHORTEST in what for _, what in given):
            return given
        return tuple((at, _ID.sub(number, what) if isinstance(what, bytes) else what) for at, what in given)

    numbered = of_streams(seen, events)
    return replace(
        numbered,
        logged=tuple(Line(*map(text, line)) for line in seen.logged),
        rejections=tuple(map(text, seen.rejections)),
    )


RECORDING = (
    Rule(
        "logger-names",
        "The names of loggers are those of modules.",
        "as the modules are named",
        _drop_logger_names,
    ),
    Rule(
        "dials",
        "Connections to upstreams are in order of their addresses and of what came there and when, not of the"
        " calls that made them.",
        "no difference",
        _sort_upstreams,
    ),
    Rule(
        "request-ids",
        "Ids that the node drew are numbered in order of their first place in the record.",
        "no difference",
        _number_request_ids,
    ),
)

DIFFERENCES: tuple[Rule, ...] = ()
"""What a later build does otherwise on purpose: each rule is made so that both builds come to the same."""

IN_FORCE = LANES + RECORDING + DIFFERENCES
"""In a recording."""
