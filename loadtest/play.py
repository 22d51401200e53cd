"""Playing scenarios on a cluster: our own, with all its processes, or somebody's."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtest import books
from loadtest.elsewhere.stage import Reached
from loadtest.progress import Progress
from loadtest.scenarios import Scenario, Setting
from loadtest.session import Session
from loadtest.stage import standing
from loadtest.subject_commands import Subject, SubjectError
from loadtest.verdict import Asked, Verdict
from loadtest.watch import Watch, asked
from loadtest.watching import watching


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a run, and all that the subject said meanwhile."""

    setting: Setting
    verdict: Verdict
    reports: Sequence[Asked]


@asynccontextmanager
async def diagnosing(environment: Mapping[str, str], folder: Path) -> AsyncIterator[AsyncIterator[Asked]]:
    """As a person does, who asks again and again."""
    yield asked(Subject(environment, folder))


async def on_own(
    setting: Setting,
    drawn: Sequence[Scenario],
    seed: int,
    progress: Progress,
    *,
    is_asked: bool = False,
    web_port: int | None = None,
) -> Played:
    """On a cluster that is started for it. The subject watches all the while, or `is_asked` again and again.

    Raises:
        StartError: a part of it does not start, or does not last.
    """
    progress.status("starting Redis, a dummy upstream and the nodes")
    async with standing(setting, seed, web_port) as stage:
        progress.say("the cluster runs")
        environment, folder = stage.subject_environment, stage.cluster.folder
        looks = diagnosing(environment, folder) if is_asked else watching(environment, folder)
        reports: list[Asked] = []
        try:
            async with looks as coming:
                watch = Watch(coming, progress, reports)
                outcomes = await Session(setting, stage.load, stage.inject, watch).play(drawn)
            progress.status("counting")
            subject = Subject(environment, folder)
            verdict = await books.closed(setting, stage, subject, drawn, outcomes)
        except SubjectError as error:
            verdict = Verdict((), None, problems=(str(error),))
        finally:
            progress.status("stopping everything")
    return Played(setting, verdict, reports)


async def on_reached(
    cluster: Reached, drawn: Sequence[Scenario], seed: int, progress: Progress, web_port: int | None
) -> Played:
    """On somebody's.

    Raises:
        StartError: the load generator does not start, or does not last.
    """
    reports: list[Asked] = []
    async with cluster.loaded(seed, web_port) as load:
        try:
            async with cluster.watched() as coming:
                watch = Watch(coming, progress, reports)
                outcomes = await Session(cluster.setting, load, cluster.inject, watch).play(drawn)
            progress.status("counting")
            verdict = await cluster.books.closed(load, outcomes)
        except SubjectError as error:
            verdict = Verdict((), None, problems=(str(error),))
    return Played(cluster.setting, verdict, reports)
