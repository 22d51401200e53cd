"""A run's stage on somebody's cluster: what is true of it, and a load that can flow."""

import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.contract.redis_url import parse_redis_url
from loadtest import generator
from loadtest.child import StartError
from loadtest.elsewhere import facts, front, setting
from loadtest.elsewhere.books import Books
from loadtest.elsewhere.target import Target, TargetError
from loadtest.generator import Generator
from loadtest.load import IDLE
from loadtest.progress import Progress
from loadtest.scenarios import FIRST, Chance, Scenario, Setting, Sign, Step, draw, feasibility, warm_up
from loadtest.scenarios.fault import Fault
from loadtest.subject_commands import Finding, Subject, SubjectError
from loadtest.verdict import Asked
from loadtest.watching import watching

Identity = tuple[str, str, str]
OURS = ("LOADTEST_", "LOCUST_")
ARRIVAL = tuple(Sign(code, "cluster") for code in ("cardinality_attack", "spike_broad", "traffic_drop"))
"""Where the subject knows what was usual before the run: its clients are many new ones, with another rate."""

RELEARN_SECONDS = 75.0
"""Where something is found already: more than half of the two minutes that tell the subject what is usual."""

ARRIVAL_SECONDS = 45.0
"""Until that has passed."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A cluster that answers, and what a run on it will be."""

    target: Target
    books: Books
    folder: Path

    @property
    def setting(self) -> Setting:
        """The usual load."""
        return self.books.setting

    @property
    def subject(self) -> Subject:
        """Who looks at it."""
        return self.books.subject

    def drawn(self, names: Sequence[str], chance: Chance) -> list[Scenario]:
        """What is put on it, after a warm-up where the first is none itself.

        Raises:
            TargetError: one of them would not be what it says here.
        """
        found = [] if names[0] == FIRST else [self._warm_up()]
        for name in names:
            scenario = draw(name, self.setting, chance)
            reason = feasibility.why_not(scenario, self.setting, takes_new_keys=self.target.keys is None)
            if reason is not None:
                raise TargetError(reason)
            found.append(scenario)
        first = replace(found[0], allowed=ARRIVAL, clear_seconds=ARRIVAL_SECONDS)
        return [first, *found[1:]]

    def _warm_up(self) -> Scenario:
        scenario = warm_up(self.setting)
        if not self.books.facts.known_findings:
            return scenario
        return replace(scenario, steps=(Step(RELEARN_SECONDS, self.setting.usual),))

    @asynccontextmanager
    async def loaded(self, seed: int, web_port: int | None) -> AsyncIterator[Generator]:
        """A generator that sends nothing yet, while the context lasts.

        Raises:
            StartError: it cannot be started.
        """
        async with generator.running(
            self.books.front.nodes,
            IDLE,
            seed=seed,
            environment=environment(self.target),
            folder=self.folder,
            foreign_path=self.target.path,
            web_port=web_port,
        ) as load:
            await load.starts()
            yield load

    def inject(self, fault: Fault) -> AbstractAsyncContextManager[None]:
        """No scenario that is drawn here has one."""
        raise StartError(f"{fault} takes the processes of the cluster")

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[AsyncIterator[Asked]]:
        """What the subject says at each look, without what is not of this run."""
        async with watching(environment(self.target), self.folder, working_folder=Path.cwd()) as coming:
            yield self._of_this_run(coming)

    async def _of_this_run(self, coming: AsyncIterator[Asked]) -> AsyncIterator[Asked]:
        known = self.books.facts.known_findings
        async for asked in coming:
            known &= {finding.identity for finding in asked.report.findings}
            kept = tuple(one for one in asked.report.findings if self._is_of_this_run(one, known))
            codes = {(finding.code, finding.subject) for finding in kept}
            problems = tuple(one for one in asked.report.problems if (one.code, one.subject) in codes)
            report = replace(asked.report, findings=kept, problems=problems)
            yield replace(asked, report=report)

    def _is_of_this_run(self, finding: Finding, known: frozenset[Identity]) -> bool:
        """What has been there since before is not; nor, where others send, what is about their clients."""
        if finding.identity in known:
            return False
        if not self.books.has_others or finding.subject.kind != "client":
            return True
        return any(client.id == finding.subject.id for client in self.setting.clients)


@asynccontextmanager
async def reached(
    target: Target, rate_per_second: float | None, progress: Progress
) -> AsyncIterator[Reached]:
    """The cluster, once it is known.

    Raises:
        StartError: Redis or a node does not answer.
        TargetError: what is asked for cannot be done there.
    """
    keys = target.read_keys()
    rate = rate_per_second or setting.RATE_PER_SECOND
    with tempfile.TemporaryDirectory(prefix="ratelimiter-") as name:
        subject = Subject(environment(target), Path(name), Path.cwd())
        progress.status("looking at the cluster")
        try:
            known = await facts.gathered(subject)
            own = keys or setting.made_up_keys(known, rate)
            way = await front.probed(target, own, known)
            clients = await facts.named(subject, own)
            if known.others_per_second == 0:
                await facts.check_names(subject, clients)
        except SubjectError as error:
            raise StartError(str(error)) from None
        usual = setting.setting_of(clients, known, way, rate)
        if len(usual.clients) < len(clients):
            progress.say(
                f"{len(usual.clients)} of {len(clients)} keys have one limit, {usual.limit}: only they send"
            )
        yield Reached(target, Books(usual, known, way, subject), Path(name))


def environment(target: Target) -> dict[str, str]:
    """In which the subject finds that Redis; its settings and those that name clients are the user's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**own, "REDIS_URL": target.redis_url}


def check(redis_url: str, names: Sequence[str], processes: Sequence[str]) -> None:
    """Before anything is looked at.

    Raises:
        TargetError: that is no URL of a Redis, or a scenario takes the processes of a cluster.
    """
    try:
        parse_redis_url(redis_url)
    except ValueError as error:
        raise TargetError(f"--redis: {error}") from None
    if wrong := [name for name in names if name in processes]:
        raise TargetError(
            f"{', '.join(wrong)} needs processes of the cluster, its Redis or its upstream, and "
            "--nodes gives only their addresses: run it without --nodes, on a cluster of its own "
            "(loadtest list says which)"
        )
