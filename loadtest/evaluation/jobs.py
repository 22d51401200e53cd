"""Recording several runs at a time, each by a process of its own: none waits for another's reckoning."""

import asyncio
import os
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loadtest.child import StartError, start_module
from loadtest.evaluation import run_file
from loadtest.evaluation.plan import Run
from loadtest.interrupt import uninterrupted
from loadtest.plan import own_environment
from loadtest.polling import until
from loadtest.progress import Progress

GRACE_SECONDS = 20.0
"""What a run takes to stop its cluster."""
LONGEST_SECONDS = 1800.0
PER_CORE = 450.0
"""Requests a second that a core bears, with the generator that sends them and all that serves them."""

TICK_SECONDS = 0.2


def missing(runs: Sequence[Run], folder: Path) -> list[Run]:
    """Those of which there is no file yet.

    Raises:
        StartError: a file is of another run, or cannot be read.
    """
    found = []
    for run in runs:
        path = run_file.path_of(folder, run.name)
        if not path.exists():
            found.append(run)
        elif run_file.read(path).run != run:
            raise StartError(f"{path} is of a run with other scenarios: name another folder, or remove it")
    return found


def beside(under_way: Collection[Run], waiting: Sequence[Run], per_second: float) -> Run:
    """Which of those that wait is best begun now, if the machine bears so many requests a second: the one
    with most of those that fit beside what is under way, else the one with least."""
    left = per_second - sum(run.most_per_second for run in under_way)
    in_order = sorted(waiting, key=lambda run: run.most_per_second)
    return next((run for run in reversed(in_order) if run.most_per_second <= left), in_order[0])


@dataclass(slots=True)
class Jobs:
    """Runs that are to be recorded. `arguments` have a process of ours draw the same plan."""

    runs: Sequence[Run]
    folder: Path
    arguments: Sequence[str]
    progress: Progress
    _waiting: list[Run] = field(init=False)
    _seconds: dict[Run, float] = field(init=False)  # that each takes, about: to draw it costs a moment
    _under_way: dict[Run, float] = field(default_factory=dict)  # from when on
    _done: int = 0

    async def record(self, at_once: int) -> None:
        """So many at a time, until all are there.

        Raises:
            StartError: one could not be played to its end, twice; those that are there stay.
        """
        self._waiting = list(self.runs)
        self._seconds = {run: run.seconds for run in self.runs}
        with tempfile.TemporaryDirectory(prefix="ratelimiter-evaluate-") as logs:
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(at_once, len(self.runs))):
                        group.create_task(self._work(Path(logs), at_once))
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from None

    async def _work(self, logs: Path, at_once: int) -> None:
        while self._waiting:
            run = beside(list(self._under_way), self._waiting, PER_CORE * (os.cpu_count() or 1))
            self._waiting.remove(run)
            began = self._under_way[run] = time.monotonic()
            try:
                await self._one(run, logs, at_once)
            except StartError as error:
                self.progress.say(f"{error}: once more", style="yellow")
                await self._one(run, logs, at_once)
            del self._under_way[run]
            self._done += 1
            took = time.monotonic() - began
            self.progress.say(
                f"{self._done} of {len(self.runs)}  {run.name} in {took:.0f} s; {self._left(at_once)}"
            )

    async def _one(self, run: Run, logs: Path, at_once: int) -> None:
        child = start_module(
            "loadtest",
            *("evaluate", *self.arguments, "--record", str(self.folder.absolute()), "--run", run.name),
            name=run.name,
            environment=own_environment(),
            folder=logs,
            working_folder=logs,
        )

        def has_ended() -> bool:
            names = ", ".join(run.name for run in self._under_way)
            self.progress.status(f"{names}; {self._left(at_once)}")
            return child.has_ended()

        try:
            if not await until(has_ended, LONGEST_SECONDS, TICK_SECONDS):
                raise StartError(f"{run.name} takes longer than {LONGEST_SECONDS:g} s")
        finally:
            await uninterrupted(child.stop(GRACE_SECONDS))
        if child.process.returncode:
            raise StartError(f"{run.name}: {child.last_words().removeprefix('loadtest: ')}")

    def _left(self, at_once: int) -> str:
        """In minutes, by what each takes."""
        now = time.monotonic()
        seconds = sum(self._seconds[run] for run in self._waiting)
        seconds += sum(max(0.0, self._seconds[run] - now + began) for run, began in self._under_way.items())
        return f"about {seconds / at_once / 60:.0f} min left"
