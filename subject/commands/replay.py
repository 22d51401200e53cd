"""``subject replay``: a recording diagnosed again, without Redis or any node."""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.contract.records import TELEMETRY_STREAM, TelemetryRecord
from subject.cluster.samples import Remembered
from subject.cluster.snapshot import Snapshot, take
from subject.cluster.view import View
from subject.commands.watch import Lines, event_line
from subject.diagnosis.events import Event, Events
from subject.diagnosis.past import Past
from subject.diagnosis.problems import Diagnosis, diagnose
from subject.errors import UsageError
from subject.exit_codes import FOUND, WELL
from subject.figures import clock, instant
from subject.output import diagnosis_document
from subject.output.lines import print_json, print_line
from subject.settings import Settings
from subject.telemetry.looks import EVERY_SECONDS
from subject.telemetry.recording import Recording
from subject.telemetry.recording_file import lines_of
from subject.thresholds import Thresholds

DAY_SECONDS = 86400
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])Z?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Moment:
    """One look, and what is made of it."""

    snapshot: Snapshot
    diagnosis: Diagnosis


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Tell what began and was over when, and the diagnosis at the end or at a time that is asked for; or
    each look."""
    if arguments.looks:
        return _each_look(Path(arguments.file), settings, as_json=arguments.json)
    events, told = Events(), list[Event]()
    wanted = None if arguments.at is None else _second_of_day(arguments.at)
    first: Moment | None = None
    shown: Moment | None = None
    last_at = 0.0
    for moment in moments(Path(arguments.file), settings):
        first, last_at = first or moment, moment.snapshot.at
        changes = events.since_last(last_at, moment.diagnosis)
        told += changes
        if wanted is None or last_at < _first_after(first.snapshot.at, wanted) + 1:
            shown = moment
    if first is None or shown is None:
        raise UsageError(f"{arguments.file} holds no look")
    if wanted is not None and _first_after(first.snapshot.at, wanted) > last_at:
        span = f"{clock(first.snapshot.at)} to {clock(last_at)}"
        raise UsageError(f"--at is outside of what was recorded, which is {span}")
    if arguments.json:
        print_json(_document(first, last_at, shown, told))
    else:
        _print(told, first.snapshot.at, last_at, shown)
    return FOUND if told else WELL


def _each_look(path: Path, settings: Settings, *, as_json: bool) -> int:
    lines, looks, found = Lines(), 0, False
    for moment in moments(path, settings, with_before=False):
        looks += 1
        found = found or bool(moment.diagnosis.problems)
        if as_json:
            print_json(diagnosis_document.document(moment.snapshot, moment.diagnosis))
        else:
            lines.show(moment.snapshot, moment.diagnosis)
    if not looks:
        raise UsageError(f"{path} holds no look")
    return FOUND if found else WELL


def moments(path: Path, settings: Settings, *, with_before: bool = True) -> Iterator[Moment]:
    """Each look of a recording, and before the first one the time of which it has records, if that is wanted.

    Raises:
        UsageError: the file cannot be read, or is no recording; the message names the line.
    """
    recording, begun, samples = Recording(settings), not with_before, Remembered()
    for number, text in enumerate(lines_of(path), 1):
        earlier = recording.records
        try:
            view = recording.take(text)
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error}") from None
        if view is None:
            continue
        thresholds = recording.thresholds
        if not begun:
            begun = True
            for snapshot in _before(view, earlier, thresholds):
                yield Moment(snapshot, diagnose(snapshot, thresholds))
        snapshot = take(view, thresholds.node_down_seconds, samples)
        yield Moment(snapshot, diagnose(snapshot, thresholds))


def _before(first: View, records: list[TelemetryRecord], thresholds: Thresholds) -> Iterator[Snapshot]:
    """Of the time that a recording goes back at most: what is said to be older is no part of it."""
    past = Past([one for one in records if 0 <= first.at - one.at <= TELEMETRY_STREAM.seconds])
    at = past.records[0].at + EVERY_SECONDS if past.records else first.at
    while at < first.at:
        yield past.snapshot(first, thresholds, at)
        at += EVERY_SECONDS


def _second_of_day(text: str) -> int:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise UsageError("--at takes a time of day in UTC, as replay shows it: 09:12:03Z")
    hours, minutes, seconds = map(int, match.groups())
    return 3600 * hours + 60 * minutes + seconds


def _first_after(start: float, second_of_day: int) -> float:
    """The first time at or after `start`, to a second, at which a clock shows this."""
    begins = int(start)
    return begins + (second_of_day - begins) % DAY_SECONDS


def _document(first: Moment, last_at: float, shown: Moment, events: list[Event]) -> dict[str, Any]:
    return {
        "from": first.snapshot.at,
        "until": last_at,
        "events": [
            {
                "at": event.at,
                "event": event.kind,
                "code": event.finding.code,
                "subject": {"kind": event.finding.subject.kind, "id": event.finding.subject.id},
                "summary": event.finding.summary,
            }
            for event in events
        ],
        "diagnosis": diagnosis_document.document(shown.snapshot, shown.diagnosis),
    }


def _print(told: list[Event], first_at: float, last_at: float, moment: Moment) -> None:
    from subject.output.report import Report  # what draws tables takes a while to import

    at, span = instant(moment.snapshot.at), f"from {clock(first_at)} to {clock(last_at)}"
    print_line(
        f"Recorded {span}; what began and was over:" if told else f"Recorded {span}: nothing was found."
    )
    for event in told:
        print_line(event_line(event))
    print_line("")
    print_line(f"At {at:%Y-%m-%d %H:%M:%SZ}:")
    Report.of_terminal().diagnosis(moment.snapshot, moment.diagnosis)
