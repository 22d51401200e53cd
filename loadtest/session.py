"""Playing scenarios on a running cluster, and gathering what the subject makes of them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from math import inf

from loadtest import verdict
from loadtest.generator import Generator
from loadtest.interrupt import uninterrupted
from loadtest.operator import Operator
from loadtest.polling import until
from loadtest.remedied import Remedied
from loadtest.scenarios import Scenario, Setting, Step
from loadtest.scenarios.fault import Fault
from loadtest.verdict import Outcome, Times
from loadtest.watch import Watch

SHORTEST_SECONDS = 6.0
"""A scenario ends early once all that it expects is found, but not before it has been so for this long."""

TICK_SECONDS = 0.1

SETTLE_SECONDS = 5.0
"""After something was done, until what is read is of after it."""

HELP_SECONDS = 25.0
"""By then it has helped, or it does not."""

AGAIN_SECONDS = 1.0

Inject = Callable[[Fault], AbstractAsyncContextManager[None]]


@dataclass(slots=True)
class Session:
    """What the scenarios are played on, and who does something about those that have a remedy."""

    setting: Setting
    generator: Generator
    inject: Inject
    watch: Watch
    shortest_seconds: float = SHORTEST_SECONDS
    operator: Operator | None = None
    faults: dict[Fault, AsyncExitStack] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    """Of the scenarios that are over."""
    begun_at: list[float] = field(default_factory=list)
    """When each began, in seconds since 1970."""

    async def play(self, scenarios: Sequence[Scenario]) -> tuple[Outcome, ...]:
        """Play one after the other, each from a state without findings. May be called once.

        Raises:
            SubjectError: the subject does not answer as it should.
            StartError: the load generator ended by itself, or what a fault took down does not come back.
        """
        watching = asyncio.create_task(self.watch.run())
        playing = asyncio.create_task(self._play_all(scenarios))
        try:
            await asyncio.wait({watching, playing}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                await watching  # it ends by an error only
            await playing
            return tuple(self.outcomes)
        finally:
            watching.cancel()
            playing.cancel()
            await asyncio.gather(watching, playing, return_exceptions=True)
            await uninterrupted(self._end_faults(but=()))

    async def _play_all(self, scenarios: Sequence[Scenario]) -> None:
        for scenario in scenarios:
            self.outcomes.append(await self._play(scenario))

    async def _play(self, scenario: Scenario) -> Outcome:
        started_at = time.time()
        self.begun_at.append(started_at)
        self.watch.progress.say(f"{scenario.name} begins: {scenario.injected}", style="bold")
        began_at = await self._put_on(scenario, started_at)
        remedied = await self._remedied(scenario, started_at)
        ended_at = await self._take_off(scenario, remedied)
        calm_seconds = scenario.calm_seconds - (time.time() - ended_at)
        await self._wait(calm_seconds, "back to the usual load")
        await self._wait(scenario.clear_seconds, "back to the usual load", lambda: self._is_clear(ended_at))
        if self.operator is not None and remedied is not None:
            await self.operator.undo(remedied.done)
        times = Times(started_at, began_at, ended_at, over_at=time.time())
        return verdict.outcome(scenario, self.watch.since(started_at), times, remedied)

    async def _put_on(self, scenario: Scenario, started_at: float) -> float:
        """All its steps, or less where all is found; when it began that what it is about was so."""
        began_at = started_at
        shortest_end = inf

        def is_all_found() -> bool:
            if time.monotonic() < shortest_end:
                return False
            so_far = verdict.outcome(scenario, self.watch.since(started_at))
            return bool(so_far.found) and not so_far.missing

        for place, step in enumerate(scenario.steps):
            await self._apply(step)
            if place <= scenario.begins:
                began_at = time.time()
            if place == scenario.begins:
                shortest_end = time.monotonic() + self.shortest_seconds
            await self._wait(step.seconds, f"{scenario.name}: {scenario.injected}", is_all_found)
            if is_all_found():
                break
        return began_at

    async def _remedied(self, scenario: Scenario, started_at: float) -> Remedied | None:
        """What comes of doing something about it, if there is somebody who does."""
        so_far = verdict.outcome(scenario, self.watch.since(started_at))
        operator, remedy = self.operator, scenario.remedy
        if operator is None or remedy is None or so_far.missing:
            return None
        before = await operator.read(remedy.figure)
        done = await operator.act(remedy, so_far.found[0][1])
        if remedy.is_outside:
            await self._apply(Step(0.0, self.setting.usual))
        what = f"{scenario.name}: does it help?"
        await self._wait(SETTLE_SECONDS, what)
        end = time.monotonic() + HELP_SECONDS

        def closed_seconds() -> float | None:
            return verdict.closed_seconds(scenario, self.watch.reports, done.at)

        while True:
            if remedy.closes:
                await self._wait(end - time.monotonic(), what, lambda: closed_seconds() is not None)
            after = await operator.read(remedy.figure)
            remedied = Remedied(remedy, done, before, after, closed_seconds())
            if remedied.helped or time.monotonic() > end:
                operator.tell(remedied)
                return remedied
            await self._wait(AGAIN_SECONDS, what)

    async def _take_off(self, scenario: Scenario, remedied: Remedied | None) -> float:
        """The usual load, without faults; when what it is about ended."""
        await self._apply(Step(0.0, self.setting.usual))
        ended_at = time.time()
        if remedied is not None and remedied.remedy.is_outside:
            return remedied.done.at
        if scenario.expected:
            self.watch.progress.say(f"{scenario.name} ends")
        return ended_at

    async def _apply(self, step: Step) -> None:
        await self._end_faults(but=step.faults)
        for fault in step.faults:
            if fault not in self.faults:
                stack = self.faults[fault] = AsyncExitStack()
                await stack.enter_async_context(self.inject(fault))
        self.generator.follow(step.load)

    async def _end_faults(self, but: Sequence[Fault]) -> None:
        for fault in [fault for fault in self.faults if fault not in but]:
            await self.faults.pop(fault).aclose()

    def _is_clear(self, since: float) -> bool:
        """By a report that was asked for after that."""
        reports = self.watch.reports
        return bool(reports) and reports[-1].asked_at >= since and not reports[-1].report.findings

    async def _wait(self, seconds: float, what: str, is_over: Callable[[], bool] = lambda: False) -> None:
        """Wait, but not longer than until `is_over`, if it ever is."""
        end = time.monotonic() + seconds

        def look() -> bool:
            self.watch.progress.status(f"{what} ({end - time.monotonic():.0f} s)")
            self.generator.check()
            return is_over()

        await until(look, seconds, TICK_SECONDS)
