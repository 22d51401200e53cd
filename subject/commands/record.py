"""``subject record``: the telemetry of an incident to a file, to be diagnosed again elsewhere."""

import argparse
from contextlib import aclosing
from importlib.metadata import version
from pathlib import Path
from shlex import quote

from gateway.contract.records import TELEMETRY_STREAM, TelemetryRecord
from subject.cluster.view import View
from subject.commands.parser import DISTRIBUTION
from subject.durations import parse_duration
from subject.errors import RedisAwayError, RedisRefusesError, UsageError
from subject.exit_codes import shown
from subject.figures import clock, counted
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
                    how = f"a look every {EVERY_SECONDS} s, for {arguments.duration}"
                    print_line(f"Recording into {path}, {how}; Ctrl-C ends it in order")
    if view is None:
        raise UsageError("interrupted before the first look: nothing was recorded")
    looks_told = "" if seconds is None else f", and {counted(found, 'look')} of the subject"
    full = f" It ended at {MOST_BYTES // 1_000_000} MB, the most that is written." if output.full else ""
    size = f"{output.size_bytes / 1000:,.1f} kB"
    print_line(f"Recorded in {path} ({size}): {_what(writer, view)}{looks_told}.{full}")
    print_line(
        f"To see what was wrong, and when, anywhere and without Redis: subject replay {quote(str(path))}"
    )
    return shown(blind=not view.sees, redis_connected=view.redis.connected)


async def _earlier(reader: Reader, at: float) -> list[TelemetryRecord]:
    """All that the stream has: more than a look reads, so that what came before can be seen as well."""
    start = int(1000 * (at - TELEMETRY_STREAM.seconds))
    try:
        async with reading(reader.redis):
            found = await read_records(reader.redis, f"{max(0, start)}")
    except (RedisAwayError, RedisRefusesError):
        return []  # the looks say so
    return [record for record in found.records if abs(record.at - at) <= TELEMETRY_STREAM.seconds]


def _what(writer: Writer, view: View) -> str:
    """Of whom, and of what time."""
    if writer.first_at is None:
        known = "no node has ever written to this Redis" if view.sees else "neither Redis nor a node answered"
        return f"nothing but that {known}"
    told = f"what {counted(len(writer.node_ids), 'node')} told"
    span = f"from {clock(writer.first_at)} to {clock(view.at)}"
    if view.redis.connected:
        return f"{told}, each second {span}"
    was = "it was" if len(writer.node_ids) == 1 else "they were"
    why = "refuses" if view.redis.refuses else "does not answer"
    return f"{told} when {was} asked, since Redis {why}, {span}"
