"""Reads files anew while the node serves: all that has changed takes effect at once, or nothing does."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from gateway.contract.records import MAX_PROBLEM_LENGTH, Reloads, as_published
from gateway.errors import StartError

Commit = Callable[[], None]
Prepare = Callable[[], Commit]

logger = logging.getLogger(__name__)


class Reload:
    """Each part of the node that comes from files takes part in it."""

    def __init__(self, wanted: asyncio.Event, time: Callable[[], float]) -> None:
        """`wanted` is set for each reload; `time` tells seconds since 1970 by Redis' clock."""
        self._wanted = wanted
        self._time = time
        self._parts: list[Prepare] = []
        self.report = Reloads()

    def take_in(self, prepare: Prepare) -> None:
        """Have `prepare` read and check at each reload, in a thread.

        It raises `StartError` where something cannot be used, and changes nothing; what it returns puts the
        new state in force, on the event loop, at once and without fail.
        """
        self._parts.append(prepare)

    async def run(self) -> None:
        """Reload each time that it is wanted, for ever; what is wanted meanwhile is one more."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self._reload()

    async def _reload(self) -> None:
        try:
            commits = [await asyncio.to_thread(prepare) for prepare in self._parts]
        except StartError as error:
            logger.error("reload: nothing has changed: %s", error)  # noqa: TRY400 - a file's fault, not ours
            self._failed(str(error))
        except Exception as error:  # a file that breaks a reader must not end the node
            logger.exception("reload: nothing has changed")
            self._failed(type(error).__name__)
        else:
            for commit in commits:
                commit()
            self.report = replace(self.report, done=self.report.done + 1, at=self._time(), problem="")
            logger.info("reload: what the files say now is in force")

    def _failed(self, problem: str) -> None:
        self.report = replace(
            self.report,
            failed=self.report.failed + 1,
            at=self._time(),
            problem=as_published(problem, MAX_PROBLEM_LENGTH),
        )
