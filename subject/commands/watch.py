"""``subject watch``: the cluster as it goes on, on a screen, as lines, or as JSON."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from importlib.metadata import version
from pathlib import Path
from shlex import quote

from subject.cluster.samples import Remembered
from subject.cluster.snapshot import Snapshot, take
from subject.cluster.view import View
from subject.commands.parser import DISTRIBUTION
from subject.diagnosis.events import Event, Events
from subject.diagnosis.problems import Diagnosis, diagnose
from subject.durations import parse_duration
from subject.exit_codes import WELL
from subject.figures import clock
from subject.output.lines import print_json, print_line
from subject.output.overview import overview
from subject.output.status_lines import status_lines
from subject.settings import Settings
from subject.telemetry.looks import Looks
from subject.telemetry.reader import Reader
from subject.telemetry.recording import Writer, first_line
from subject.telemetry.recording_file import MOST_BYTES, Output

Show = Callable[[Snapshot, Diagnosis], None]
Keep = Callable[[View], None]
QUIT = {"q", "Q", "\x04", ""}
"""Keys that end it, Ctrl-D among them; the empty text is a terminal that is gone."""
DUMB = {"", "dumb", "unknown"}
"""Terminals, by TERM, that cannot move their cursor."""


async def run(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    """Look and show until it is quit, or its time is over."""
    seconds = None if arguments.duration is None else parse_duration(arguments.duration)
    looks = Looks(reader, parse_duration(arguments.every), seconds)
    with _recording(arguments.record, settings) as keep:
        if arguments.json:
            await _each(looks, settings, keep, _show_json)
        elif sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in DUMB:
            await _on_screen(looks, settings, keep)
        else:
            await _each(looks, settings, keep, Lines().show)
    return WELL


@contextmanager
def _recording(file: str | None, settings: Settings) -> Iterator[Keep]:
    """What keeps a look in this file, if there is one; where no more fits, that is said at the end."""
    if file is None:
        yield lambda _: None
        return
    with Output(Path(file)) as output:
        output.write([first_line(settings, version(DISTRIBUTION))])
        writer = Writer()
        yield lambda view: output.write(writer.of_view(view))
    if sys.stdout.isatty():
        print_line(f"Recorded in {file}. To see it again: subject replay {quote(file)}")
    if output.full:
        sys.stderr.write(f"subject: {file} has {MOST_BYTES // 1_000_000} MB and not what came after\n")


async def _each(looks: Looks, settings: Settings, keep: Keep, show: Show) -> None:
    samples = Remembered()
    async with aclosing(looks.views()) as views:
        async for view in views:
            keep(view)
            snapshot = take(view, settings.node_down_seconds, samples)
            show(snapshot, diagnose(snapshot, settings))


async def _on_screen(looks: Looks, settings: Settings, keep: Keep) -> None:
    from subject.commands.keyboard import each_key
    from subject.output.screen import Screen  # what draws takes a while to import

    def pressed(text: str) -> None:
        if text in QUIT or "q" in text:
            looks.stop()

    with Screen.of_terminal() as screen, each_key(pressed):
        await _each(looks, settings, keep, screen.show)


def _show_json(snapshot: Snapshot, diagnosis: Diagnosis) -> None:
    print_json(overview(snapshot, diagnosis))


class Lines:
    """A line for each look, and one for each problem that begins or is over."""

    def __init__(self) -> None:
        self._events = Events()

    def show(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        """Write them to standard output."""
        told = status_lines(snapshot)
        lines = [event_line(event) for event in self._events.since_last(snapshot.at, diagnosis)]
        codes = ", ".join(problem.finding.code for problem in diagnosis.problems)
        now = f"{clock(snapshot.at)}  {told['Nodes']}; {told['Requests']}; {codes or 'nothing found'}"
        for line in (*lines, now):
            print_line(line)


def event_line(event: Event) -> str:
    """What began, with what to do about it; or what is over."""
    found = event.finding
    if event.kind == "over":
        return f"{clock(event.at)}  over: {found.code}, {found.subject.id}, since {clock(found.since)}"
    return (
        f"{clock(event.at)}  {found.severity}: {found.code}: {found.summary}. Likely: {found.likely_cause}. "
        f"Do: {found.suggested_action}"
    )
