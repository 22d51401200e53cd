"""Playing scenarios on a cluster: our own, with all its processes, or somebody's."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from loadtest import books
from loadtest.child import StartError
from loadtest.elsewhere.stage import Reached
from loadtest.generator import Generator
from loadtest.operator import Operator
from loadtest.progress import Progress
from loadtest.scenarios import Scenario, Setting
from loadtest.session import Inject, Session
from loadtest.stage import standing
from loadtest.subject_commands import Subject, SubjectError
from loadtest.verdict import Asked, Outcome, Verdict
from loadtest.watch import Watch
from loadtest.watching import watching


@dataclass(slots=True)
class Played:
    """A run of `drawn` as far as it has come: what is over, and all that the subject said meanwhile. It is on
    somebody's `cluster`, or on our own."""

    setting: Setting
    drawn: Sequence[Scenario]
    cluster: Reached | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    reports: list[Asked] = field(default_factory=list)
    begun_at: list[float] = field(default_factory=list)

    def session(
        self, load: Generator, inject: Inject, watch: Watch, operator: Operator | None = None
    ) -> Session:
        """In which it is played."""
        return Session(
            self.setting,
            load,
            inject,
            watch,
            operator=operator,
            outcomes=self.outcomes,
            begun_at=self.begun_at,
        )

    @property
    def under_way(self) -> tuple[Scenario, float] | None:
        """What has begun and is not over, and since when; of a run that is over, nothing."""
        place = len(self.outcomes)
        return (self.drawn[place], self.begun_at[place]) if place < len(self.begun_at) else None

    def broken_off(self, reason: str) -> Verdict:
        """Where it goes no further, judge what is over by what was found, and leave the rest open."""
        left = ", ".join(scenario.name for scenario in self.drawn[len(self.outcomes) :])
        open_questions = (
            f"the run was broken off: {reason}",
            *([f"not played to its end: {left}"] if left else []),
            "limits and counts were held against nothing",
        )
        if self.cluster is not None:
            return self.cluster.books.broken_off(self.outcomes, open_questions)
        return Verdict(tuple(self.outcomes), None, open_questions=open_questions)


async def on_own(
    played: Played, seed: int, progress: Progress, *, is_operated: bool = False, web_port: int | None = None
) -> Verdict:
    """On a cluster that is started for it; what it comes to. The subject watches all the while, and where it
    `is_operated`, an operator does something about what has a remedy.

    Raises:
        StartError: a part of it does not start, or does not last.
    """
    progress.status("starting Redis, a dummy upstream and the nodes")
    setting = played.setting
    async with standing(setting, seed, web_port) as stage:
        progress.say("the cluster runs")
        environment, folder = stage.subject_environment, stage.cluster.folder
        subject = Subject(environment, folder)
        operator = Operator(setting, subject, stage.cluster.upstream_log, progress) if is_operated else None
        try:
            async with watching(environment, folder) as coming:
                watch = Watch(coming, progress, played.reports, tells_symptoms=not is_operated)
                await played.session(stage.load, stage.inject, watch, operator).play(played.drawn)
            progress.status("counting")
            changes = () if operator is None else operator.changes
            return await books.closed(setting, stage, subject, played.drawn, played.outcomes, changes)
        except SubjectError as error:
            return Verdict(tuple(played.outcomes), None, problems=(str(error),))
        finally:
            progress.status("stopping everything")


async def on_reached(
    played: Played, cluster: Reached, seed: int, progress: Progress, web_port: int | None
) -> Verdict:
    """On somebody's.

    Raises:
        StartError: the load generator, or the subject, does not start, or does not last.
    """
    async with cluster.loaded(seed, web_port) as load:
        try:
            async with cluster.watched() as coming:
                watch = Watch(coming, progress, played.reports)
                await played.session(load, cluster.inject, watch).play(played.drawn)
            progress.status("counting")
            return await cluster.books.closed(load, played.outcomes, played.reports)
        except SubjectError as error:
            raise StartError(str(error)) from None
