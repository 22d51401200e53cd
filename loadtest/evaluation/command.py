"""``loadtest evaluate``."""

import tempfile
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from loadtest import faults, output
from loadtest.child import StartError
from loadtest.evaluation import document, jobs, page, recording, run_file, scoring, sweep, tables
from loadtest.evaluation.aims import missed
from loadtest.evaluation.plan import CHOOSING, REPORTING, Plan, Run
from loadtest.evaluation.score import Score
from loadtest.evaluation.scoring import Scored
from loadtest.evaluation.sweep import Tried
from loadtest.progress import Progress

WELL, FAILED = 0, 1
PREFIX = "ratelimiter-evaluate-"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    plan: Plan
    record: Path | None = None
    score: Path | None = None
    run: str | None = None
    amounts: Sequence[str] = ()  # flags that say how much is recorded, where they are given
    jobs: int = 2
    sweep: bool = False
    as_json: bool = False
    page: Path | None = None


def wrong_use(options: Options) -> str | None:
    """What does not go together, if anything."""
    names = [run.name for run in options.plan.runs()]
    if options.record is not None and options.score is not None:
        return "--record or --score, not both"
    if options.score is not None and options.amounts:
        return (
            f"{' and '.join(options.amounts)}: how much is recorded, and --score takes all runs that are "
            "there, or what --only and --intensities leave of them"
        )
    if options.run is not None and options.record is None:
        return "--run needs --record DIR, where its file goes"
    if options.run is not None and options.run not in names:
        return f"{options.run} is no run of this plan, which has {', '.join(names)}"
    if options.score is None and not names:
        return "this plan has no run: see --reporting, --choosing, --benign and --only"
    if options.sweep and options.score is None and not options.plan.choosing:
        return "--sweep is about the choosing seeds, of which --choosing 0 leaves none"
    return None


async def run(options: Options) -> int:
    """Record what is not there, score all, and say what came of it.

    Returns:
        0 if all aims are reached and each run kept to its limits and counted exactly; otherwise 1.

    Raises:
        StartError: something cannot be started or read.
    """
    if options.page:
        page.check(options.page)
    progress = Progress(output.console(to_stderr=True))
    recorded: list[Run] = []
    with ExitStack() as stack:
        stack.enter_context(progress.live())
        if options.run is not None:
            return await _record_one(options, progress)
        if options.score is not None:
            folder = options.score
            runs = _asked_for(options.plan, folder)
        else:
            runs = list(options.plan.runs())
            folder = options.record or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX)))
            recorded = await _record(options, runs, output.made(folder), progress)
        if given := scoring.thresholds():
            told = " ".join(f"{name}={value}" for name, value in given.items())
            progress.say(f"scored with {told}", style="yellow")
        only = options.plan.only
        choosing = _choosing(runs, folder) if options.sweep else []
        scored = await scoring.score(runs, folder, options.jobs, progress, only=only)
        tried = await sweep.swept(choosing, folder, options.jobs, progress, only) if options.sweep else []
    return _tell(options, scored, tried, {run.name for run in recorded}, progress)


def _asked_for(plan: Plan, folder: Path) -> list[Run]:
    """Of the runs that are there."""
    runs = [run_file.read(path).run for path in run_file.paths(folder)]
    if found := [run for run in runs if plan.takes(run)]:
        return found
    raise StartError(f"{folder} has no run of what --only and --intensities ask for")


def _choosing(runs: Sequence[Run], folder: Path) -> list[Run]:
    """Those on whose seeds thresholds are chosen."""
    if found := [run for run in runs if run.purpose == CHOOSING]:
        return found
    raise StartError(f"{folder} has no run of the choosing seeds, which --sweep is about")


async def _record_one(options: Options, progress: Progress) -> int:
    """As `wrong_use` has it, there is such a run, and a folder for it."""
    (named,) = [run for run in options.plan.runs() if run.name == options.run]
    verdict = await recording.record(named, output.made(options.record or Path()), progress)
    for failure in verdict.failures:
        progress.say(failure, style="yellow")
    return WELL


async def _record(options: Options, runs: Sequence[Run], folder: Path, progress: Progress) -> list[Run]:
    """Those of the runs that were not there, and are now."""
    missing = jobs.missing(runs, folder)
    if any("clock_skew" in run.scenarios for run in missing):
        faults.faketime_library()  # or it is missed after half an hour
    seconds = sum(run.seconds for run in missing) / options.jobs
    progress.say(
        f"{len(runs)} runs, {len(runs) - len(missing)} of them recorded; the others take about "
        f"{seconds / 60:.0f} min, {options.jobs} at a time"
    )
    await jobs.Jobs(missing, folder, _arguments(options.plan), progress).record(options.jobs)
    return missing


def _arguments(plan: Plan) -> list[str]:
    """Those by which another process has the same plan."""
    only = ["--only", ",".join(plan.only)] if plan.only else []
    intensities = ["--intensities", ",".join(plan.intensities)] if plan.intensities else []
    return [
        *("--choosing", str(plan.choosing), "--reporting", str(plan.reporting)),
        *("--benign", str(plan.benign_minutes)),
        *only,
        *intensities,
    ]


def _tell(
    options: Options,
    scored: Sequence[Scored],
    tried: Sequence[Tried],
    recorded: Collection[str],
    progress: Progress,
) -> int:
    """`recorded`: the runs of just now."""
    of_purpose = {
        purpose: Score(tuple(one for one in scored if one.run.purpose == purpose))
        for purpose in (CHOOSING, REPORTING)
    }
    scores = {purpose: score for purpose, score in of_purpose.items() if score.runs}
    judged = scores.get(REPORTING) or scores[CHOOSING]
    differing = (
        {} if scoring.thresholds() else {one.run.name: _differs(one) for one in scored if one.differing}
    )
    failures = [
        *(f"{aim.what}: {aim.shown(judged)}, not {aim.bound}" for aim in missed(judged)),
        *(failure for score in scores.values() for failure in score.failures_of_books),
        *(sentence for name, sentence in differing.items() if name in recorded),
    ]
    if options.as_json:
        print(document.text(scores, tried, failures))  # noqa: T201 - the command's output
    else:
        console = output.console()
        for table in tables.all_of(scores, tried):
            table.print(console)
    for name, sentence in differing.items():
        if name not in recorded:
            progress.say(f"{sentence}: the subject has become another one since", style="yellow")
    for failure in failures:
        progress.say(f"✗ {failure}", style="bold red")
    if options.page:
        page.write(options.page, scores, tried)
    return FAILED if failures else WELL


def _differs(scored: Scored) -> str:
    differing, name = scored.differing, scored.run.name
    return f"{name}: replayed, {differing} of {scored.looks} looks differ from those of the run"
