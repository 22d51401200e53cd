"""``subject record``: the telemetry of an incident to a file, to be diagnosed again elsewhere."""

import argparse
from contextlib import aclosing
from importlib.metadata import version
from pathlib import Path
from shlex import quote

from gateway.contract.telemetry import LATEST, TelemetryRecord
from subject.cluster.view import View
from subject.commands.parser import DISTRIBUTION
from subject.durations import parse_duration
from subject.errors import RedisAwayError, RedisRefusesError, UsageError
from subject.exit_codes import shown
from subject.figures import clock
from subject.output.lines import print_line
from subject.settings import Settings
from subject.telemetry.looks import EVERY_SECONDS, Looks
from subject.telemetry.reader import Reader
from subject.telemetry.recording import Writer, first_line
from subject.telemetry.recording_file import MOST_BYTES, Output
from subject.telemetry.redis_client import reading
from subject.telemetry.redis_reads import read_records

MOST_SECONDS = 3600


async def run(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    """Write what the stream still has, and then one look or, with ``--for``, all looks of that time."""
    seconds = None if arguments.duration is None else parse_duration(arguments.duration)
    if seconds is not None and seconds > MOST_SECONDS:
        raise UsageError("--for is an hour at most, since a recording is read as a whole")
    path, looks = Path(arguments.file), Looks(reader, EVERY_SECONDS, seconds)
    with Output(path) as output:
        output.write([first_line(settings, version(DISTRIBUTION))])
        writer, found = Writer(), 0
        view: View | None = None
        async with aclosing(looks.views()) as views:
            async for view in views:
                if not found and view.redis.connected:
                    output.write(writer.of_records(await _earlier(reader, view.at)))
                output.write(writer.of_view(view))
                found += 1
                # From nodes alone one look has no rates: they need two records.
                enough = seconds is None and (view.redis.connected or found > 1)
                if enough or output.full:
                    break
                if found == 1 and seconds is not None:
                    print_line(f"{path}: recording for {arguments.duration}; Ctrl-C ends it in order")
    if view is None:
        raise UsageError("interrupted before the first look: nothing was recorded")
    print_line(_told(output, view, found))
    return shown(blind=not view.sees, redis_connected=view.redis.connected)


async def _earlier(reader: Reader, at: float) -> list[TelemetryRecord]:
    """All that the stream has: more than a look reads, so that what came before can be seen as well."""
    start = int(1000 * (at - LATEST.seconds))
    try:
        async with reading(reader.redis):
            found = await read_records(reader.redis, f"{max(0, start)}")
    except (RedisAwayError, RedisRefusesError):
        return []  # the looks say so
    return [record for record in found.records if abs(record.at - at) <= LATEST.seconds]


def _told(output: Output, view: View, looks: int) -> str:
    times = f"{looks} {'look' if looks == 1 else 'looks'}, the last one at {clock(view.at)}"
    full = f" Stopped at {MOST_BYTES // 1_000_000} MB, the most that is written." if output.full else ""
    blind = "" if view.sees else " Neither Redis nor a node answered."
    return f"{output.path}: {times}.{full}{blind} Shown by: subject replay {quote(str(output.path))}"
