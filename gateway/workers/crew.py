"""The workers of a node: all are started, those that end are started again, and in the end all leave."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from gateway.clock import monotonic
from gateway.errors import StartError, start_error_in
from gateway.telemetry.deltas import WorkerReport
from gateway.workers.assignment import Assignment
from gateway.workers.member import Member, how_it_ended
from gateway.workers.messages import Orders
from gateway.workers.restarts import Restarts
from gateway.workers.shared_counters import SharedCounters
from gateway.workers.sums import Sums

SILENCE_SECONDS = 2.5
"""Who says nothing for so long does not serve, whatever it is at."""

STUCK_SECONDS = 10.0
"""A worker that takes so much longer to leave than it may is ended."""

_LOOK_SECONDS = 0.5

logger = logging.getLogger(__name__)


class Crew:
    """Run `run` as a task.

    `complete` is set when all serve for the first time. After the order to stop, `accepts_none` is set when
    none takes connections any more, and `gone` when all have left.
    """

    def __init__(
        self,
        assignments: list[Assignment],
        board: SharedCounters,
        sums: Sums,
        took_over: Callable[[WorkerReport], None],
    ) -> None:
        """`took_over` is told of the first hand-over of each worker that was started again."""
        self._assignments = assignments
        self._board = board
        self._sums = sums
        self._took_over = took_over
        self._orders = Orders()
        self._members: dict[int, Member] = {}
        self._serving: set[int] = set()
        self._heard: dict[int, float] = {}
        self._stopping = asyncio.Event()
        self.complete = asyncio.Event()
        self.accepts_none = asyncio.Event()
        self.gone = asyncio.Event()

    @property
    def serves(self) -> bool:
        """Whether any worker does, and all have once."""
        return self.complete.is_set() and bool(self._serving)

    @property
    def pids(self) -> list[int]:
        """The processes."""
        return [member.pid for member in self._members.values()]

    def order(self, **changes: Any) -> None:
        """Change what all are to do, by the names in `Orders`."""
        orders = replace(self._orders, **changes)
        if orders != self._orders:
            self._orders = orders
            for member in self._members.values():
                member.order(orders)
        if orders.stop:
            self._stopping.set()
            if not self._serving:
                self.accepts_none.set()

    def kill(self) -> None:
        """End at once who is still there."""
        for number, member in self._members.items():
            logger.error("worker %d does not leave, and is ended", number)
            member.kill()

    async def run(self) -> None:
        """Keep all at work until they are to stop.

        Raises:
            StartError: one cannot start, before all have.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for assignment in self._assignments:
                    group.create_task(self._keep(assignment))
        except BaseExceptionGroup as failures:
            error = start_error_in(failures)
            if error is None:
                raise
            raise error from None
        self.accepts_none.set()
        self.gone.set()

    async def attend(self) -> None:
        """See, for ever, who stands still; it serves again as soon as it speaks."""
        while True:
            asleep = monotonic()
            await asyncio.sleep(_LOOK_SECONDS)
            now = monotonic()
            if now - asleep > 2 * _LOOK_SECONDS:  # this process stood still itself, and has not read yet
                continue
            for number in sorted(self._serving):
                if now - self._heard[number] > SILENCE_SECONDS:
                    logger.warning("worker %d stands still: the others take its connections", number)
                    self._serves(number, serves=False)

    async def _keep(self, assignment: Assignment) -> None:
        """One worker after the other under one number."""
        restarts = Restarts()
        while not self._stopping.is_set():
            started = monotonic()
            try:
                complaint = await self._employ(assignment)
            except OSError as error:
                complaint = f"cannot be started: {error.strerror}"
            if self._stopping.is_set():
                return
            if not self.complete.is_set():
                raise StartError(f"worker {assignment.number} {complaint} before it served", 1)
            wait_seconds = restarts.wait_seconds(monotonic() - started)
            when = f"in {wait_seconds:g} s" if wait_seconds else "now"
            logger.error("worker %d %s; it is started again %s", assignment.number, complaint, when)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._stopping.wait()

    async def _employ(self, assignment: Assignment) -> str:
        """Have one worker serve until it ends; how it did."""
        number, has_served = assignment.number, False
        member = await Member.start(assignment)
        self._members[number] = member
        member.order(self._orders)
        refusal = None
        try:
            while (word := await member.hear()) is not None:
                refusal = word.refusal or refusal
                if word.handover is not None:
                    self._take(number, word.handover, is_first=not has_served)
                    has_served = True
        finally:
            self._serves(number, serves=False)
            code = await member.release(assignment.settings.drain_timeout + STUCK_SECONDS)
            del self._members[number]
            self._sums.lose(number)
            self._board.clear(number)
        if refusal is not None:
            if not self.complete.is_set():
                raise StartError(refusal.message, refusal.exit_code)
            return f"cannot start: {refusal.message}"
        return how_it_ended(code)

    def _take(self, number: int, handover: WorkerReport, *, is_first: bool) -> None:
        now = self._heard[number] = monotonic()
        self._sums.take(number, handover, now)
        if self.complete.is_set() and number not in self._serving and not handover.leaving:
            logger.info("worker %d serves", number)
        self._serves(number, serves=not handover.leaving)
        if is_first and self.complete.is_set():
            self._took_over(handover)
        if len(self._serving) == len(self._assignments):
            self.complete.set()

    def _serves(self, number: int, *, serves: bool) -> None:
        """Have the others take the connections of one that does not, once all have served."""
        if serves:
            self._serving.add(number)
        else:
            self._serving.discard(number)
        if self.complete.is_set():
            numbers = {each.number for each in self._assignments}
            self.order(orphans=tuple(sorted(numbers - self._serving)))
