"""A subject that watches a cluster all the while, each second, and may record what it sees."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from loadtest.child import Child, start_module
from loadtest.interrupt import uninterrupted
from loadtest.subject_commands import ANSWER_SECONDS, Report, SubjectError, parse
from loadtest.verdict import Asked

EVERY = "1s"
FOLLOW_SECONDS = 0.05
GRACE_SECONDS = 5.0
COMMAND = "watch"


@asynccontextmanager
async def watching(
    environment: Mapping[str, str],
    folder: Path,
    recording: Path | None = None,
    working_folder: Path | None = None,
) -> AsyncIterator[AsyncIterator[Asked]]:
    """What it says at each look, while the context lasts; afterwards the recording is complete."""
    record = [] if recording is None else ["--record", str(recording)]
    child = start_module(
        "subject",
        *(COMMAND, "--json", "--every", EVERY, *record),
        name=COMMAND,
        environment=environment,
        folder=folder,
        working_folder=working_folder or folder,
    )
    try:
        yield _reports(child)
    finally:
        await uninterrupted(child.stop(GRACE_SECONDS))


async def _reports(child: Child) -> AsyncIterator[Asked]:
    """Each line that it writes, when it is there.

    Raises:
        SubjectError: it ended, or says nothing any more.
    """
    with child.stdout.open() as file:
        line, heard_at = "", time.monotonic()
        while True:
            has_ended = child.has_ended()
            line += file.readline()
            if line.endswith("\n"):
                report = parse(Report, COMMAND, line)
                line, heard_at = "", time.monotonic()
                yield Asked(report.at, time.time(), report)
                continue
            if has_ended:
                raise SubjectError(f"subject watch ended: {child.last_words()}")
            if time.monotonic() - heard_at > ANSWER_SECONDS:
                raise SubjectError(f"subject watch has said nothing for {ANSWER_SECONDS:g} s")
            await asyncio.sleep(FOLLOW_SECONDS)
