"""The event loop of one node: asyncio's own, on a clock that only the case moves."""

import asyncio
from asyncio import events
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from tests.lanes.record import Line

_MAX_TURNS = 20_000
_LEAST_SECONDS = 1e-9
_MAX_TIMERS_AT_ONCE = 50
"""So often a timer may be armed for one instant; then time goes on by the least that can be told apart."""
_CASE_IDS = 1 << 32

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
        self.logged: list[Line] = []
        self.served_fast = 0
        self.set_exception_handler(self._unhandled)

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        failure = repr(context.get("exception"))
        self.logged.append(Line("asyncio", "ERROR", context["message"], "", "", failure))

    def time(self) -> float:
        """Seconds."""
        return self._now

    def draw(self, size: int) -> bytes:
        """So many bytes instead of random ones: numbers of 16, one after the other, that a rule can find."""
        return b"".join(
            b"\x5e\xed\x5e\xed%b" % next(self._numbers).to_bytes(12, "big") for _ in range(size // 16)
        )

    def begin_case(self, number: int) -> None:
        """Draw other numbers than in the cases before, whatever they drew."""
        self._numbers = count(number * _CASE_IDS + 1)

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
        at_once = 0
        while (due := self._next_timer()) is not None and due <= until:
            at_once = at_once + 1 if due <= self._now else 0
            if due > self._now:
                self._now = due
            elif at_once > _MAX_TIMERS_AT_ONCE:
                self._now += _LEAST_SECONDS
            self._run_timers()
            self.settle()
        self._now = until

    @property
    def timers(self) -> int:
        """How many are armed."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined] # asyncio's own
        return sum(not handle.cancelled() for handle in scheduled)

    @property
    def tasks(self) -> int:
        """How many are not done."""
        return len(asyncio.all_tasks(self))

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
