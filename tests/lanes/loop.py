"""The event loop of one node: asyncio's own, on a clock that moves only when it is told to."""

import asyncio
from asyncio import events
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

_MAX_TURNS = 20_000
_LEAST_SECONDS = 1e-9
"""Time goes on also where a timer is armed again for less than a number of seconds can tell apart."""

Dial = Callable[[Callable[[], asyncio.Protocol], str, int], Awaitable[tuple[asyncio.Transport, Any]]]


class EndlessTurningError(Exception):
    """A node calls itself again and again."""


class _NothingToSelect:
    """Stands for what would wait for sockets."""

    def select(self, _: float | None) -> list[Any]:
        """Nothing comes by itself."""
        return []

    def close(self) -> None:
        """Nothing is open."""


class LaneLoop(asyncio.BaseEventLoop):
    """Runs what is due, as far as there is anything, and knows what was told and counted of its node."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1000.0
        self._selector = _NothingToSelect()
        self.dial: Dial
        self._numbers = count(1)
        self.logged: list[tuple[object, ...]] = []
        self.served_fast = 0
        self.left_by_fast = 0
        self.set_exception_handler(self._unhandled)

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.logged.append(("unhandled", context["message"], repr(context.get("exception"))))

    def time(self) -> float:
        """Seconds."""
        return self._now

    def draw(self, size: int) -> bytes:
        """So many bytes instead of random ones: numbers of 16, one after the other."""
        return b"".join(next(self._numbers).to_bytes(16, "big") for _ in range(size // 16))

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody has to be woken."""

    def settle(self) -> None:
        """Run all that can be run now."""
        loop: Any = self
        events._set_running_loop(self)
        try:
            for _ in range(_MAX_TURNS):
                if not loop._ready:
                    return
                loop._run_once()
        finally:
            events._set_running_loop(None)
        raise EndlessTurningError

    def run(self, action: Callable[..., object], *args: object) -> None:
        """Do something within the loop, and all that comes of it at once."""
        self.call_soon(action, *args)
        self.settle()

    def advance(self, seconds: float) -> None:
        """Let so much time pass."""
        until = self._now + seconds
        self.settle()
        while (due := self._next_timer()) is not None and due <= until:
            self._now = due if due > self._now else self._now + _LEAST_SECONDS
            self._run_timers()
            self.settle()
        self._now = until

    def _next_timer(self) -> float | None:
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined] # asyncio's own
        live = (handle.when() for handle in scheduled if not handle.cancelled())
        return min(live, default=None)

    def _run_timers(self) -> None:
        loop: Any = self
        events._set_running_loop(self)
        try:
            loop._run_once()
        finally:
            events._set_running_loop(None)

    async def create_connection(self, protocol_factory: Any, *args: Any, **_: Any) -> Any:
        """To a simulated upstream."""
        host, port = args
        return await self.dial(protocol_factory, host, port)

    def end(self) -> None:
        """Cancel what is left."""
        for task in asyncio.all_tasks(self):
            task.cancel()
        self.settle()
        self.close()
