"""The event loop of one simulated node: asyncio's order of things, on a clock that only the simulation moves.

A node's own time (`tick`) may be ahead of the world's: it has been suspended in the middle of a turn. What it
does after that happens at its own time, and what reaches it meanwhile waits until its next turn.
"""

import asyncio
import heapq
import math
from asyncio import events
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Protocol

from tests.model.world import MICROSECONDS, World

_MAX_TURNS = 100_000


class EndlessTurningError(Exception):
    """A node calls itself again and again."""


@dataclass(slots=True)
class Stall:
    """At or after world microsecond `at` the node stands still for `ticks`.

    With `reads` = 0 between two turns; with n, right after its clock was read for the n-th time.
    """

    at: int
    ticks: int
    reads: int = 0


@dataclass(frozen=True, slots=True)
class Cause:
    """What made a callback run: the replies that arrived, up to the `replies`-th of connection `link`."""

    link: int
    replies: int


class Dialler(Protocol):
    """Connects a node's loop to a server: `tests.model.network.Network`."""

    async def connect(self, loop: "NodeLoop", factory: Callable[[], asyncio.Protocol]) -> Any:
        """A transport and a protocol."""


def node_loop(
    world: World, dialler: Dialler, zero: int, stalls: list[Stall], *, timers_first: bool = False
) -> "NodeLoop":
    """A loop for a node whose monotonic clock shows `zero` microseconds at world microsecond 0.

    `timers_first` is libuv's order after a stall; asyncio's own loop reads what arrived before.
    """
    return NodeLoop(  # type: ignore[abstract] # what it lacks nobody asks of it
        world, dialler, zero, stalls, timers_first=timers_first
    )


class NodeLoop(asyncio.AbstractEventLoop):
    """Runs callbacks in turns. `call_soon` is first in, first out; timers are by time; nothing waits."""

    def __init__(
        self, world: World, dialler: Dialler, zero: int, stalls: list[Stall], *, timers_first: bool
    ) -> None:
        self.world = world
        self.tick = world.now
        self.cause: Cause | None = None
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.is_dead = False
        self.stood_still = 0
        self._dialler = dialler
        self._zero = zero
        self._stalls = deque(sorted(stalls, key=lambda stall: stall.at))
        self._timers_first = timers_first
        self._ready: deque[tuple[events.Handle, Cause | None]] = deque()
        self._timers: list[tuple[int, int, events.TimerHandle]] = []
        self._arrived: deque[tuple[Cause | None, Callable[..., object], tuple[Any, ...]]] = deque()
        self._made = 0
        self._turns = 0
        self._turn_at: int | None = None
        self._is_running = False

    # The clock

    def time(self) -> float:
        """Seconds on the node's monotonic clock."""
        return (self.tick + self._zero) / MICROSECONDS

    def now(self) -> float:
        """The same, for the node's own code, which can be suspended right after it has read it."""
        reading = self.time()
        self.tick += 1
        if self._stalls and self._stalls[0].at <= self.tick:
            stall = self._stalls[0]
            stall.reads -= 1
            if stall.reads <= 0:
                self._stalls.popleft()
                self._stand_still(stall.ticks)
        return reading

    def _stand_still(self, ticks: int) -> None:
        self.tick += ticks
        self.stood_still += ticks

    # Turns

    def arrive(self, cause: Cause | None, action: Callable[..., object], *args: object) -> None:
        """Something reaches this node's kernel at the world's present moment."""
        if not self.is_dead:
            self._arrived.append((cause, action, args))
            self._wake(self.world.now)

    def kill(self) -> None:
        """End the process as it stands: nothing more runs in it, and nothing that it does is heard of."""
        self.is_dead = True
        self._ready.clear()
        self._timers.clear()
        self._arrived.clear()
        tasks, self.tasks = self.tasks, {}
        for task in tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined] # it is destroyed on purpose
            coroutine: Any = task.get_coro()
            with suppress(RuntimeError):  # it may want to await something before it ends
                Context().run(self._within, coroutine.close)

    def _within(self, action: Callable[[], object]) -> None:
        events._set_running_loop(self)
        try:
            action()
        finally:
            events._set_running_loop(None)

    def _wake(self, moment: int) -> None:
        if self._is_running or self.is_dead:
            return
        moment = max(moment, self.tick)
        if self._turn_at is None or moment < self._turn_at:
            self._turn_at = moment
            self.world.at(moment, self._turn, moment)

    def _turn(self, moment: int) -> None:
        if moment != self._turn_at or self.is_dead:
            return  # an earlier one was made since, and has run
        self._turn_at = None
        self.tick = max(self.tick, self.world.now)
        if self._stalls and self._stalls[0].reads == 0 and self._stalls[0].at <= self.tick:
            self._stand_still(self._stalls.popleft().ticks)
            self._wake(self.tick)
            return
        self._turns += 1
        if self._turns > _MAX_TURNS:
            raise EndlessTurningError("a node turns without end")
        events._set_running_loop(self)
        self._is_running = True
        try:
            self._collect()
            for _ in range(len(self._ready)):
                if not self._ready:
                    break  # killed by one of them
                handle, self.cause = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
        finally:
            self.cause = None
            self._is_running = False
            events._set_running_loop(None)
        self.tick += 1
        self._next()

    def _collect(self) -> None:
        if self._timers_first:
            self._collect_timers()
        while self._arrived:
            cause, action, args = self._arrived.popleft()
            self._ready.append((asyncio.Handle(action, args, self), cause))
        self._collect_timers()

    def _collect_timers(self) -> None:
        while self._timers and (self._timers[0][0] <= self.tick or self._timers[0][2].cancelled()):
            self._ready.append((heapq.heappop(self._timers)[2], None))

    def _next(self) -> None:
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if self._ready or self._arrived:
            self._wake(self.tick)
        elif self._timers:
            self._wake(self._timers[0][0])

    # What asyncio asks of a loop

    def call_soon(  # type: ignore[override] # typeshed types its arguments as a TypeVarTuple
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run it in the next turn."""
        handle = asyncio.Handle(callback, args, self, context)
        if not self.is_dead:
            self._ready.append((handle, self.cause))
            self._wake(self.world.now)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment] # as above; there is one thread

    def call_at(  # type: ignore[override] # as above
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run it in the first turn at or after `when` of this node's clock."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._made += 1
        tick = math.ceil(when * MICROSECONDS - 1e-3) - self._zero  # 1e-3: what a float loses on the way
        heapq.heappush(self._timers, (tick, self._made, handle))
        self._wake(tick)
        return handle

    def call_later(  # type: ignore[override] # as above
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run it in the first turn after `delay` seconds."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override] # typeshed's differs between versions of Python
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        """A task of this loop, known to it until it is done."""
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self.tasks[task] = None
        task.add_done_callback(lambda _: self.tasks.pop(task, None))
        return task

    async def create_connection(self, protocol_factory: Callable[[], Any], *_: Any, **__: Any) -> Any:
        """Connect to the one server that there is."""
        return await self._dialler.connect(self, protocol_factory)

    create_unix_connection = create_connection

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What nobody handled is a failure of the run."""
        self.world.failures.append(f"unhandled in a node: {context['message']}: {context.get('exception')!r}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is dropped when its time comes."""

    def get_debug(self) -> bool:
        """No."""
        return False

    def is_running(self) -> bool:
        """Whether a turn is going on."""
        return self._is_running

    def is_closed(self) -> bool:
        """Whether the process has ended."""
        return self.is_dead

    def run(self, awaitable: Callable[[], Awaitable[Any]]) -> None:
        """Let a node do something, from outside any turn."""
        self.arrive(None, lambda: self.create_task(_await(awaitable)))


async def _await(awaitable: Callable[[], Awaitable[Any]]) -> None:
    await awaitable()
