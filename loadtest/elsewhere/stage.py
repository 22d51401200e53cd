"""A run's stage on somebody's cluster: what is true of it, and a load that can flow."""

import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from pathlib import Path

from gateway.contract.redis_url import parse_redis_url
from loadtest import generator
from loadtest.child import StartError
from loadtest.elsewhere.books import Books
from loadtest.elsewhere.facts import gathered
from loadtest.elsewhere.front import knocking, probed
from loadtest.elsewhere.names import check_name, named
from loadtest.elsewhere.setting import RATE_PER_SECOND, made_up_keys, setting_of
from loadtest.elsewhere.target import Target, TargetError
from loadtest.generator import LONGEST_RUN_SECONDS, Generator, Way
from loadtest.load import IDLE
from loadtest.progress import Progress
from loadtest.scenarios import FAULTS, FIRST, Chance, Scenario, Setting, Sign, Step, draw, warm_up
from loadtest.scenarios.fault import Fault
from loadtest.scenarios.feasibility import why_not
from loadtest.subject_commands import Finding, Subject, SubjectError
from loadtest.verdict import Asked
from loadtest.watching import watching

OURS = ("LOADTEST_", "LOCUST_")
ARRIVAL = tuple(Sign(code, "cluster") for code in ("cardinality_attack", "spike_broad", "traffic_drop"))
"""Where the subject knows what was usual before the run: its clients are many new ones, with another rate."""

RELEARN_SECONDS = 75.0
"""Where something is found already: more than half of the two minutes that tell the subject what is usual."""

ARRIVAL_SECONDS = 45.0
"""Until that has passed."""

SHORT_SECONDS = 60
"""What stands in a window of this length stays there while the subject looks."""

ONSET_SECONDS = 10.0
"""What began so soon after the first look began with the run, whenever it is found."""


@dataclass(frozen=True)
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
            reason = why_not(scenario, self.setting, takes_new_keys=self.target.keys is None)
            if reason is not None:
                raise TargetError(str(reason))
            found.append(scenario)
        first = replace(found[0], allowed=ARRIVAL, clear_seconds=ARRIVAL_SECONDS)
        drawn = [first, *found[1:]]
        if (longest := sum(map(_longest_seconds, drawn))) > LONGEST_RUN_SECONDS:
            raise TargetError(
                f"these scenarios may take {longest / 60:.0f} minutes, and a run takes "
                f"{LONGEST_RUN_SECONDS // 60} at most: put fewer into one"
            )
        return drawn

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
            foreign=self._way,
            web_port=web_port,
        ) as load:
            await load.starts()
            yield load

    @property
    def _way(self) -> Way:
        target = self.target
        return Way(target.path, self.books.front.node_ids, target.key_header, target.is_insecure)

    def inject(self, fault: Fault) -> AbstractAsyncContextManager[None]:
        """No scenario that is drawn here has one."""
        raise StartError(f"{fault} takes the processes of the cluster")

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[AsyncIterator[Asked]]:
        """What the subject says at each look, without what is not of this run."""
        async with watching(environment(self.target), self.folder, working_folder=Path.cwd()) as coming:
            yield self.of_this_run(coming)

    async def of_this_run(self, coming: AsyncIterator[Asked]) -> AsyncIterator[Asked]:
        """These looks without what is not of this run, and by this machine's clock."""
        offset, first_at = inf, None
        async for asked in coming:
            first_at = asked.report.at if first_at is None else first_at
            offset = min(offset, asked.at - asked.report.at)  # what is more than the least is the look's time
            self.books.still_known.intersection_update(one.identity for one in asked.report.findings)
            kept = tuple(one for one in asked.report.findings if self._is_of_this_run(one, first_at))
            codes = {(finding.code, finding.subject) for finding in kept}
            problems = tuple(one for one in asked.report.problems if (one.code, one.subject) in codes)
            report = replace(asked.report, findings=kept, problems=problems)
            yield replace(asked, asked_at=asked.report.at + offset, report=report)

    def _is_of_this_run(self, finding: Finding, first_at: float) -> bool:
        """Not what was there before, nor what is about others' clients, nor that there is a run at all."""
        if finding.identity in self.books.still_known:
            return False
        if (
            any(sign.matches(*finding.identity) for sign in ARRIVAL)
            and finding.since < first_at + ONSET_SECONDS
        ):
            return False
        return finding.subject.kind != "client" or finding.subject.id in self._client_ids

    @cached_property
    def _client_ids(self) -> frozenset[str]:
        return frozenset(client.id for client in self.setting.clients)


def _longest_seconds(scenario: Scenario) -> float:
    return sum(step.seconds for step in scenario.steps) + scenario.calm_seconds + scenario.clear_seconds


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
    rate = rate_per_second or RATE_PER_SECOND
    with tempfile.TemporaryDirectory(prefix="ratelimiter-") as name:
        subject = Subject(environment(target), Path(name), Path.cwd())
        progress.status("looking at the cluster")
        try:
            facts = await gathered(subject, target)
            own = keys or made_up_keys(facts, rate)
            front = await probed(target, own, facts)
            clients = await named(subject, own)
            setting = setting_of(clients, facts, front, rate)
            is_short = max(window.period_seconds for window in setting.windows) < SHORT_SECONDS
            first, *_ = setting.clients
            async with knocking(target, front, first.key, again=is_short):
                await check_name(subject, first, facts)
        except SubjectError as error:
            raise StartError(str(error)) from None
        if facts.terms.cost > 1:
            progress.say(f"a request costs {facts.terms.cost} there: limits are told in requests")
        if (sending := len(setting.clients)) < len(clients):
            progress.say(f"only {sending} of {len(clients)} keys send, all with {setting.windows_text}")
        yield Reached(target, Books(setting, facts, front, subject, set(facts.known_findings)), Path(name))


def environment(target: Target) -> dict[str, str]:
    """In which the subject finds that Redis; its settings and those that name clients are the user's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**own, "REDIS_URL": target.redis_url}


def check(redis_url: str, names: Sequence[str]) -> None:
    """Before anything is looked at.

    Raises:
        TargetError: that is no URL of a Redis, or a scenario takes the processes of a cluster.
    """
    try:
        parse_redis_url(redis_url)
    except ValueError as error:
        raise TargetError(f"--redis: {error}") from None
    if wrong := [name for name in names if name in FAULTS]:
        raise TargetError(
            f"{', '.join(wrong)} needs processes of the cluster, its Redis or its upstream, and "
            "--nodes gives only their addresses: run it without --nodes, on a cluster of its own "
            "(loadtest list says which)"
        )
