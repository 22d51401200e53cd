"""A recording: a header, and of each case a digest of what was seen, by which two builds are compared.

``--record FILE`` writes one of this build, and ``--against FILE`` plays its cases again and says which differ
and in what; ``--show CASE`` prints what is seen of one case, for ``diff`` with what the other build prints.

What is recorded is the default configuration: both lanes of a build that has two, the fast one in front.
Where the lanes agree, a later build is held to that. Where they differ behind a rule of `tests.lanes.rules`,
the rule says what is right.

A file is a line of JSON and then, of each case, `len(SECTIONS)` digests of `DIGEST_BYTES`. A digest is of all
of its section: bytes and ends of connections with their instants, counters and histograms by what the case
added, log lines with their requests, rejection records, and what is still held afterwards: gauges and tasks
after each case, and after each `REST_EVERY` also idle connections and timers, when these have had the time to
go.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from tests.lanes import entry
from tests.lanes.generator.case import Case, End
from tests.lanes.generator.families import family_of, fingerprint, round_of
from tests.lanes.generator.mixed import CASES_A_ROUND
from tests.lanes.kernel import simulated
from tests.lanes.loop import EndlessTurningError
from tests.lanes.node import Node
from tests.lanes.record import Counters, Events, Seen
from tests.lanes.rules import DIFFERENCES, IN_FORCE, normalized

SECTIONS = ("clients", "upstreams", "counters", "log", "rejections", "held")
DIGEST_BYTES = 4
REST_EVERY = 4
_CASE_BYTES = DIGEST_BYTES * len(SECTIONS)
_ROUND_BYTES = _CASE_BYTES * CASES_A_ROUND
_ROUNDS_A_TASK = 5
_LONG_BYTES = 2000
_ENDS_SHOWN = 200
_PRODUCT_SPECIFIC = ("entry.py", "mutations.py")
"""What a later build adapts, besides the command line and the tests."""

Sections = dict[str, list[str]]
"""Lines of text by section."""


class RecordingError(Exception):
    """A recording cannot be read, or not be compared with this build."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a recording is of. All but `build` must be the same where two are compared."""

    seed: int
    cases: int
    generator: str
    """Fingerprint of what makes cases."""
    harness: str
    """Fingerprint of what plays them and normalizes what is seen."""
    rules: tuple[tuple[str, str, str], ...]
    """Names in force, with what each makes equal and what is right there."""
    differences: tuple[str, ...]
    """Those of them that stand for what a later build does otherwise on purpose."""
    build: str

    def __str__(self) -> str:
        lines = [
            f"{self.cases} cases from seed {self.seed}, of generator {self.generator}, by harness "
            f"{self.harness}",
            f"recorded of: {self.build}, default configuration (fast lane on)",
            "normalized by:",
        ]
        for name, what, right in self.rules:
            mark = " (deliberate difference)" if name in self.differences else ""
            lines += [f"  {name}{mark}: {what}", f"    right: {right}"]
        return "\n".join(lines)

    def check_comparable(self, other: "Header") -> None:
        """Whether digests of both can be compared.

        Raises:
            RecordingError: they cannot, and why.
        """
        names = tuple(rule[0] for rule in self.rules), tuple(rule[0] for rule in other.rules)
        for what, one, two in (
            ("generator", self.generator, other.generator),
            ("rules", ", ".join(names[0]), ", ".join(names[1])),
            ("harness", self.harness, other.harness),
        ):
            if one != two:
                raise RecordingError(
                    f"the recording was made with another {what} ({one}) than this build has ({two}): copy "
                    "tests/lanes but for entry.py into a checkout of the recorded build, and record again"
                )


def header(seed: int, cases: int) -> Header:
    """That of this build."""
    return Header(
        seed,
        cases,
        fingerprint(),
        _harness(),
        tuple((rule.name, rule.what, rule.right) for rule in IN_FORCE),
        tuple(rule.name for rule in DIFFERENCES),
        entry.build(),
    )


def _harness() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name not in _PRODUCT_SPECIFIC and not path.name.startswith(("test_", "__")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


# One case


def _sections(seen: Seen, before: Counters, held: dict[str, int]) -> Sections:
    return {
        "clients": [
            line
            for number, events in enumerate(seen.clients)
            for line in (f"client {number}", *_lines_of(events))
        ],
        "upstreams": [
            line for name, events in seen.upstreams for line in (f"connection to {name}", *_lines_of(events))
        ],
        "counters": sorted(_added(before, seen.counters)),
        "log": [
            f"{line.level} {line.message!r} request={line.request_id} client={line.client} {line.failure}"
            for line in seen.logged
        ],
        "rejections": list(seen.rejections),
        "held": [f"{name}: {number}" for name, number in sorted(held.items()) if number],
    }


def _lines_of(events: Events) -> Iterator[str]:
    for at, what in events:
        yield f"  {at:.6f} {what.value if isinstance(what, End) else _shown(what)}"


def _shown(data: bytes) -> str:
    if len(data) <= _LONG_BYTES:
        return repr(data)
    digest = hashlib.blake2b(data, digest_size=8).hexdigest()
    return f"{data[:_ENDS_SHOWN]!r} … {data[-_ENDS_SHOWN:]!r} ({len(data)} bytes, {digest})"


def _added(before: Counters, after: Counters) -> Iterator[str]:
    for name, value in after.items():
        earlier = before.get(name)
        if isinstance(value, tuple):
            counts, seconds = value
            counts_before, seconds_before = earlier if isinstance(earlier, tuple) else ({}, 0.0)
            yield from _numbers(name, counts_before, counts)
            if round(seconds - seconds_before, 6):
                yield f"{name} seconds: {seconds - seconds_before:.6f}"
        elif isinstance(value, dict):
            yield from _numbers(
                name, earlier if name not in _TAKEN and isinstance(earlier, dict) else {}, value
            )
        elif value != (earlier or 0):
            yield f"{name}: {value - (earlier or 0)}"  # type: ignore[operator] # a number


_TAKEN = ("client_requests", "client_rejected")
"""Counted since they were last taken."""


def _numbers(name: str, before: dict[Any, int], after: dict[Any, int]) -> Iterator[str]:
    for label, number in after.items():
        if number != before.get(label, 0):
            yield f"{name} {label}: {number - before.get(label, 0)}"


def _digests(sections: Sections) -> bytes:
    return b"".join(
        hashlib.blake2b("\n".join(sections[name]).encode(), digest_size=DIGEST_BYTES).digest()
        for name in SECTIONS
    )


# Rounds


def played(seed: int, number: int, cases: int = CASES_A_ROUND) -> Iterator[tuple[Case, Sections]]:
    """What is seen of the first cases of a round, one after the other."""
    given = round_of(seed, number)
    with tempfile.TemporaryDirectory() as folder:
        node = Node(given.configuration, Path(folder))
        before: Counters = {}
        is_broken = False
        for place, case in enumerate(given.cases[:cases]):
            if is_broken:
                yield case, {name: ["not played"] for name in SECTIONS}
                continue
            try:
                seen = normalized(node.live_through(case), case, IN_FORCE)
                is_last = place % REST_EVERY == REST_EVERY - 1
                sections = _sections(seen, before, node.rest() if is_last else _held(seen))
                before = seen.counters
            except EndlessTurningError:
                is_broken = True
                sections = {name: ["the node calls itself without end"] for name in SECTIONS}
            yield case, sections
        if not is_broken:
            node.end()


def _held(seen: Seen) -> dict[str, int]:
    return {name: number for name, number in seen.gauges.items() if name != "idle upstream connections"}


def _digests_of_rounds(task: tuple[int, range]) -> bytes:
    seed, numbers = task
    with simulated():
        return b"".join(_digests(sections) for number in numbers for _, sections in played(seed, number))


def _all_digests(seed: int, rounds: int, jobs: int) -> Iterator[bytes]:
    """Of some rounds at a time, in order."""
    tasks = (
        (seed, range(start, min(start + _ROUNDS_A_TASK, rounds)))
        for start in range(0, rounds, _ROUNDS_A_TASK)
    )
    if jobs == 1:
        yield from map(_digests_of_rounds, tasks)
        return
    with ProcessPoolExecutor(jobs) as pool:
        while batch := list(islice(tasks, 4 * jobs)):
            yield from pool.map(_digests_of_rounds, batch)


# Files


def record(path: Path, seed: int, cases: int, jobs: int) -> Iterator[int]:
    """Write a recording; how many cases of it there are, from time to time."""
    rounds = -(-cases // CASES_A_ROUND)
    partial = path.with_name(path.name + ".partial")
    done = 0
    with partial.open("wb") as file:
        file.write(_written(header(seed, rounds * CASES_A_ROUND)))
        for digests in _all_digests(seed, rounds, jobs):
            file.write(digests)
            done += len(digests) // _CASE_BYTES
            yield done
    partial.replace(path)


def _written(of: Header) -> bytes:
    return json.dumps({name: getattr(of, name) for name in Header.__slots__}).encode() + b"\n"


def read_header(file: IO[bytes]) -> Header:
    """That of a recording.

    Raises:
        RecordingError: it is none.
    """
    try:
        fields = json.loads(file.readline())
        fields["rules"] = tuple(map(tuple, fields["rules"]))
        fields["differences"] = tuple(fields["differences"])
        return Header(**fields)
    except (ValueError, TypeError, KeyError, UnicodeDecodeError):
        raise RecordingError("not a recording of tests.lanes, or one of another format") from None


def compare(
    file: IO[bytes], recorded: Header, jobs: int, most: int | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Play the cases of a recording, whose header has been read: numbers of cases, with what differs in each.

    Args:
        most: so many cases at most, all of the last round's; None is all.

    Raises:
        RecordingError: they cannot be compared, or cases are missing.
    """
    recorded.check_comparable(header(recorded.seed, recorded.cases))
    cases = recorded.cases if most is None else min(most, recorded.cases)
    number = 0
    for digests in _all_digests(recorded.seed, -(-cases // CASES_A_ROUND), jobs):
        expected = file.read(len(digests))
        if len(expected) < len(digests):
            raise RecordingError(f"the recording ends within case {number + len(expected) // _CASE_BYTES}")
        for start in range(0, len(digests), _CASE_BYTES):
            yield number, _parts_that_differ(expected[start:], digests[start:])
            number += 1


def _parts_that_differ(expected: bytes, found: bytes) -> list[str]:
    return [
        name
        for place, name in enumerate(SECTIONS)
        if expected[(at := place * DIGEST_BYTES) : at + DIGEST_BYTES] != found[at : at + DIGEST_BYTES]
    ]


def show(seed: int, case_number: int) -> str:
    """What a case is, and what is seen of it."""
    number, place = divmod(case_number, CASES_A_ROUND)
    with simulated():
        *_, (case, sections) = played(seed, number, place + 1)
    lines = [f"case {case_number} of seed {seed}, family {family_of(number)}"]
    lines += [f"  {setting}" for setting in round_of(seed, number).configuration.chosen]
    lines += [f"  peer {peer}" for peer in case.peers]
    lines += [f"  {step}" for step in (*case.steps, *case.decisions, *case.behaviours)]
    lines += [f"  refused dials {case.refused_dials}, end after {case.end_seconds} s"]
    for name in SECTIONS:
        lines += [name, *(f"  {line}" for line in sections[name])]
    return "\n".join(line if len(line) <= _LONG_BYTES else _cut(line) for line in lines)


def _cut(line: str) -> str:
    digest = hashlib.blake2b(line.encode(), digest_size=8).hexdigest()
    return f"{line[:_LONG_BYTES]}… ({len(line)} characters, {digest})"
