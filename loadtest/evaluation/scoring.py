"""Scoring recorded runs: the subject replays them look by look, and that is held against the truth."""

import asyncio
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from loadtest import verdict
from loadtest.child import Child, StartError, start_module
from loadtest.evaluation import run_file
from loadtest.evaluation.plan import Run
from loadtest.evaluation.run_file import Books, Look, Truth
from loadtest.interrupt import uninterrupted
from loadtest.plan import own_environment
from loadtest.progress import Progress
from loadtest.scenarios import WARM_UP
from loadtest.subject_commands import Report, parse
from loadtest.verdict import Asked, Outcome

PREFIX = "SUBJECT_"
COMMAND = "replay"
LONGEST_SECONDS = 300.0
GRACE_SECONDS = 2.0
NO_OTHERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Scored:
    """One run: what the subject, replayed, made of each scenario; and at how many of the looks it did not say
    what it said when the run was played."""

    run: Run
    outcomes: tuple[Outcome, ...]
    books: Books
    looks: int
    differing: int


def thresholds() -> dict[str, str]:
    """The variables that have the subject judge otherwise than when the runs were recorded."""
    return {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}


async def score(
    runs: Sequence[Run],
    folder: Path,
    at_once: int,
    progress: Progress,
    *,
    others: Mapping[str, str] = NO_OTHERS,
    only: Sequence[str] = (),
) -> list[Scored]:
    """All of them, so many at a time, with the thresholds of the environment, or `others` before them; of
    each its warm-up and the scenarios of `only`, or all.

    Raises:
        StartError: a file is missing or none of a run, or the subject cannot replay it.
    """
    places = asyncio.Semaphore(at_once)
    with tempfile.TemporaryDirectory(prefix="ratelimiter-evaluate-") as outputs:

        async def one(run: Run) -> Scored:
            async with places:
                progress.status(f"replaying {run.name} {' '.join(map('='.join, others.items()))}")
                path = run_file.path_of(folder, run.name)
                return narrowed(await _scored(path, Path(outputs), others), only)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(run)) for run in runs]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def narrowed(scored: Scored, only: Sequence[str]) -> Scored:
    """With the outcomes of these scenarios alone, and the warm-up; of all where there are none."""
    kept = [one for one in scored.outcomes if not only or one.scenario.name in (WARM_UP, *only)]
    return replace(scored, outcomes=tuple(kept))


async def _scored(path: Path, outputs: Path, others: Mapping[str, str]) -> Scored:
    truth = run_file.read(path)
    reports = await _replayed(path, truth, outputs, others)
    found = [tuple(finding.identity for finding in asked.report.findings) for asked in reports]
    return Scored(
        truth.run,
        tuple(outcomes(truth, reports)),
        truth.books,
        looks=len(found),
        differing=sum(now != look.found for now, look in zip(found, truth.looks, strict=True)),
    )


def outcomes(truth: Truth, reports: Sequence[Asked]) -> list[Outcome]:
    """What the reports of a run come to, scenario by scenario."""
    return [
        verdict.outcome(
            play.scenario,
            [
                asked
                for asked in reports
                if play.times.started_at <= asked.at
                and (play.times.over_at is None or asked.at <= play.times.over_at)
            ],
            play.times,
        )
        for play in truth.plays
    ]


async def _replayed(path: Path, truth: Truth, outputs: Path, others: Mapping[str, str]) -> list[Asked]:
    """What the subject says at each look, as long after it as it was there when the run was played."""
    child = _start(path, truth.run.name, outputs, others)
    try:
        if not await child.ends(LONGEST_SECONDS):
            raise StartError(f"subject replay {path} takes longer than {LONGEST_SECONDS:g} s")
        return _reports(child, path, truth.looks)
    finally:
        await uninterrupted(child.stop(GRACE_SECONDS))


def _start(path: Path, name: str, outputs: Path, others: Mapping[str, str]) -> Child:
    return start_module(
        "subject",
        *(COMMAND, str(path.absolute()), "--looks", "--json"),
        name=name,
        environment={**own_environment(), **thresholds(), **others},
        folder=outputs,
        working_folder=outputs,
    )


def _reports(child: Child, path: Path, looks: Sequence[Look]) -> list[Asked]:
    if child.process.returncode not in (0, 1):
        raise StartError(f"subject replay {path}: {child.last_words()}")
    reports = [parse(Report, COMMAND, line) for line in child.stdout.read_text().splitlines()]
    if len(reports) < len(looks):
        raise StartError(f"{path} has fewer looks than there were")
    # The last ones were taken when all was over, and nobody has heard of them.
    return [Asked(report.at, look.told_at, report) for report, look in zip(reports, looks, strict=False)]
