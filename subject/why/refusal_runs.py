"""How far refusals go back that began before the last minutes, by what is kept for hours."""

from dataclasses import replace
from math import floor

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import HISTORY_STREAM, TelemetryRecord
from subject.cluster import samples, series
from subject.cluster.present_time import in_present_time
from subject.telemetry.streams import read_stream
from subject.why.answer import Run, refusals, run_of

CHUNK_SECONDS = 600


async def whole_run(redis: Redis, client: str, run: Run, at: float, seconds: float) -> Run:
    """The run as far back as it goes; the number of refusals is then what is listed, at least.

    It was looked for in the last `seconds`; before a run that began later, there was nothing. Errors as
    `read_stream`'s.
    """
    if at - run.since < seconds:
        return replace(run, is_whole=True)
    while not run.is_whole and at - run.since < HISTORY_STREAM.seconds:
        start = floor(run.since) - CHUNK_SECONDS
        records = await _history(redis, start - 2 * HISTORY_STREAM.interval_seconds, run.since)
        by_node: dict[str, list[TelemetryRecord]] = {}
        for record in in_present_time(records):
            by_node.setdefault(record.node_id, []).append(record)
        found = [sample for of_node in by_node.values() for sample in samples.made_of(of_node)]
        earlier = run_of(series.per_second(found, refusals(client), start, floor(run.since)), start)
        if earlier is None:
            return replace(run, is_whole=bool(records))
        run = Run(earlier.since, run.until, run.refused + earlier.refused, earlier.is_whole)
    return run


async def _history(redis: Redis, start: float, end: float) -> list[TelemetryRecord]:
    first, last = str(max(0, int(1000 * start))), str(max(0, int(1000 * end)))
    return (await read_stream(redis, keys.HISTORY, TelemetryRecord, first, last)).records
