"""``subject diagnose --since``: what was wrong in the last minutes, also what is over."""

import argparse

from gateway.contract.records import TELEMETRY_STREAM
from subject.cluster.present_time import MARGIN_SECONDS, in_present_time
from subject.diagnosis.retrospect import episodes, moments
from subject.durations import parse_duration
from subject.errors import UsageError
from subject.exit_codes import FOUND, WELL
from subject.output.lines import print_json
from subject.output.since_document import since_document
from subject.settings import Settings
from subject.telemetry import redis_reads
from subject.telemetry.reader import Reader
from subject.telemetry.redis_client import reading


async def run(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    """Show the episodes; the exit code says whether there are any.

    Raises:
        UsageError: nodes' records do not go back so far.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error.
    """
    seconds = parse_duration(arguments.since)
    if seconds > TELEMETRY_STREAM.seconds:
        raise UsageError(
            f"--since goes back {TELEMETRY_STREAM.seconds // 60}m at most: "
            "so long the records of each second are kept"
        )
    view = await reader.look()
    health = view.redis
    if not health.connected:
        raise health.error
    first = view.at - seconds - settings.baseline_seconds - MARGIN_SECONDS
    async with reading(reader.redis):
        past = await redis_reads.read_records(reader.redis, str(max(0, int(1000 * first))))
    records = in_present_time(past.records)
    earliest = min((record.at for record in records), default=view.at)
    times = moments(view.at, seconds, earliest, len(view.roster))
    found = episodes(view, records, settings, times)
    start = max(earliest, view.at - seconds)
    if arguments.json:
        print_json(since_document(found, start, times, past.unreadable))
    else:
        from subject.output.since_report import SinceReport  # what draws tables takes a while to import

        SinceReport.of_terminal().episodes(found, start, times)
    return FOUND if found else WELL
