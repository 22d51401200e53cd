"""Recording several runs at a time, each by a process of its own: none waits for another's reckoning."""

import asyncio
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
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


@dataclass(slots=True)
class Jobs:
    """Runs that are to be recorded. `arguments` have a process of ours draw the same plan."""

    runs: Sequence[Run]
    folder: Path
    arguments: Sequence[str]
    progress: Progress
    _waiting: deque[Run] = field(init=False)
    _under_way: dict[str, float] = field(default_factory=dict)  # from when on
    _done: int = 0

    async def record(self, at_once: int) -> None:
        """So many at a time, until all are there.

        Raises:
            StartError: one could not be played to its end; those that are there stay.
        """
        self._waiting = deque(sorted(self.runs, key=lambda run: run.most_per_second))
        with tempfile.TemporaryDirectory(prefix="ratelimiter-evaluate-") as logs:
            try:
                async with asyncio.TaskGroup() as group:
                    for number in range(min(at_once, len(self.runs))):
                        # Half of them take what asks most of the machine, and half what asks least.
                        take = self._waiting.popleft if number % 2 else self._waiting.pop
                        group.create_task(self._work(take, Path(logs), at_once))
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from None

    async def _work(self, take: Callable[[], Run], logs: Path, at_once: int) -> None:
        while self._waiting:
            run = take()
            began = self._under_way[run.name] = time.monotonic()
            await self._one(run, logs, at_once)
            del self._under_way[run.name]
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
            self.progress.status(f"{', '.join(self._under_way)}; {self._left(at_once)}")
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
        by_name = {run.name: run.seconds for run in self.runs}
        seconds = sum(run.seconds for run in self._waiting)
        seconds += sum(max(0.0, by_name[name] - (now - began)) for name, began in self._under_way.items())
        return f"about {seconds / at_once / 60:.0f} min left"
