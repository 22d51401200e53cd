"""Playing scenarios on a running cluster, and gathering what the subject makes of them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtest import verdict
from loadtest.delay_proxy import DelayProxy
from loadtest.generator import Generator
from loadtest.load import Load
from loadtest.polling import until
from loadtest.scenarios import Scenario, Setting, Step
from loadtest.verdict import Outcome
from loadtest.watch import Watch

SHORTEST_SECONDS = 6.0
"""A scenario ends early once all that it expects is found, but not before."""

CALM_SECONDS = 5.0
"""At least this long between two scenarios, so that the next does not stand in the shadow of the last."""

CLEAR_SECONDS = 20.0
"""Detectors look back ten seconds; what they still find this long after a scenario's end has stuck."""

TICK_SECONDS = 0.1


@dataclass(slots=True)
class Session:
    """What the scenarios are played on."""

    setting: Setting
    generator: Generator
    proxy: DelayProxy
    watch: Watch

    async def play(self, scenarios: Sequence[Scenario]) -> tuple[Outcome, ...]:
        """Play one after the other, each from a state without findings.

        Raises:
            SubjectError: the subject does not answer as it should.
            StartError: the load generator ended by itself.
        """
        watching = asyncio.create_task(self.watch.run())
        playing = asyncio.create_task(self._play_all(scenarios))
        try:
            await asyncio.wait({watching, playing}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                await watching  # it ends by an error only
            return await playing
        finally:
            watching.cancel()
            playing.cancel()
            await asyncio.gather(watching, playing, return_exceptions=True)

    async def _play_all(self, scenarios: Sequence[Scenario]) -> tuple[Outcome, ...]:
        return tuple([await self._play(scenario) for scenario in scenarios])

    async def _play(self, scenario: Scenario) -> Outcome:
        progress = self.watch.progress
        started_at = time.time()
        shortest_end = time.monotonic() + SHORTEST_SECONDS

        def is_all_found() -> bool:
            so_far = verdict.outcome(scenario, self.watch.since(started_at))
            return bool(so_far.found) and not so_far.missing and time.monotonic() >= shortest_end

        progress.say(f"{scenario.name} begins: {scenario.injected}", style="bold")
        for step in scenario.steps:
            self._apply(step)
            await self._wait(step.seconds, is_all_found, f"{scenario.name}: {scenario.injected}")
        ended_at = time.time()
        self._apply(Step(0.0, Load((self.setting.background(),))))
        if scenario.expected:
            progress.say(f"{scenario.name} ends")
            await self._wait(CALM_SECONDS, lambda: False, "back to the usual load")
        await self._wait(CLEAR_SECONDS, lambda: self._is_clear(ended_at), "back to the usual load")
        stayed = () if self._is_clear(ended_at) else self.watch.findings
        return verdict.outcome(scenario, self.watch.since(started_at), stayed)

    def _apply(self, step: Step) -> None:
        self.proxy.delay_seconds = step.redis_delay_seconds
        self.generator.follow(step.load)

    def _is_clear(self, since: float) -> bool:
        reports = self.watch.since(since)
        return bool(reports) and not reports[-1].findings

    async def _wait(self, seconds: float, is_over: Callable[[], bool], what: str) -> None:
        """Wait, but not longer than until `is_over`."""
        end = time.monotonic() + seconds

        def look() -> bool:
            self.watch.progress.status(f"{what} ({end - time.monotonic():.0f} s)")
            self.generator.check()
            return is_over()

        await until(look, seconds, TICK_SECONDS)
