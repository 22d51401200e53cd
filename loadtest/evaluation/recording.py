"""Playing one run on a cluster of its own, and keeping what the subject saw, beside the truth, in a file."""

from pathlib import Path

from loadtest import books
from loadtest.child import StartError
from loadtest.evaluation import run_file
from loadtest.evaluation.plan import SHORTEST_SECONDS, Run
from loadtest.progress import Progress
from loadtest.session import Session
from loadtest.stage import standing
from loadtest.subject_commands import Subject, SubjectError
from loadtest.verdict import Verdict
from loadtest.watch import Watch
from loadtest.watching import watching

RECORDING = "recording.jsonl"


async def record(run: Run, folder: Path, progress: Progress) -> Verdict:
    """Play it and write its file into the folder; what it came to while it was played.

    Raises:
        StartError: it cannot be played to its end.
    """
    setting, seed, played = run.drawn()
    async with standing(setting, seed) as stage:
        progress.say(f"{run.name}: the cluster runs")
        recording = stage.cluster.folder / RECORDING
        subject = Subject(stage.subject_environment, stage.cluster.folder)
        try:
            async with watching(stage.subject_environment, stage.cluster.folder, recording) as coming:
                watch = Watch(coming, progress)
                session = Session(setting, stage.load, stage.inject, watch, SHORTEST_SECONDS)
                outcomes = await session.play(played)
            verdict = await books.closed(setting, stage, subject, played, outcomes)
        except SubjectError as error:
            raise StartError(str(error)) from None
        run_file.write(folder, recording, run_file.truth_of(run, watch.reports, verdict))
    return verdict
