"""``subject diagnose --since``: what was wrong in the last minutes, also what is over."""

import argparse
from dataclasses import asdict
from typing import Any

from gateway.contract.telemetry import LATEST
from subject.diagnosis.retrospect import MARGIN_SECONDS, Episode, episodes, moments
from subject.durations import parse_duration
from subject.errors import UsageError
from subject.exit_codes import FOUND, WELL
from subject.output.lines import print_json
from subject.settings import Settings
from subject.telemetry import redis_reads
from subject.telemetry.reader import Reader
from subject.telemetry.redis_client import redis_errors_mapped


async def run(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    """Show the episodes; the exit code says whether there are any.

    Raises:
        UsageError: nodes' records do not go back so far.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error.
    """
    seconds = parse_duration(arguments.since)
    if seconds > LATEST.seconds:
        raise UsageError(
            f"--since goes back {LATEST.seconds // 60}m at most: so long the records of each second are kept"
        )
    view = await reader.look()
    health = view.redis
    if not health.connected:
        raise health.error
    start = view.at - seconds - settings.baseline_seconds - MARGIN_SECONDS
    with redis_errors_mapped(reader.redis):
        past = await redis_reads.read_records(reader.redis, str(max(0, int(1000 * start))))
    earliest = min((record.at for record in past.records), default=view.at)
    times = moments(view.at, seconds, earliest, len(view.roster))
    found = episodes(view, past.records, settings, times)
    from_ = max(earliest, view.at - seconds)
    if arguments.json:
        print_json(
            {
                "at": view.at,
                "from": from_,
                "step": times[1] - times[0] if len(times) > 1 else None,
                "unreadable": past.unreadable,
                "episodes": [
                    {
                        "code": one.finding.code,
                        "severity": one.finding.severity,
                        "subject": asdict(one.finding.subject),
                        "since": one.since,
                        "until": one.until,
                        "summary": one.finding.summary,
                        "explained_by": _cause(one),
                    }
                    for one in found
                ],
            }
        )
    else:
        from subject.output.since_report import SinceReport  # what draws tables takes a while to import

        SinceReport.of_terminal().episodes(found, from_, times)
    return FOUND if found else WELL


def _cause(one: Episode) -> dict[str, Any] | None:
    if one.explained_by is None:
        return None
    code, kind, subject_id = one.explained_by
    return {"code": code, "subject": {"kind": kind, "id": subject_id}}
