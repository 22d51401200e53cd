"""Redis as a script: each request that is counted is told the next verdict."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from gateway.errors import StoreUnavailable
from gateway.limiter.ask import Ask, tell
from gateway.limiter.charge import Charge
from gateway.limiter.decision import Standing
from tests.lanes.case import Decision, Verdict

_ALWAYS = Decision(Verdict.ADMITTED, 0.0)


class Script:
    """What is still to be said. Behind its end all are admitted."""

    def __init__(self) -> None:
        self._left: deque[Decision] = deque()
        self._told = 0
        self.verdict = _ALWAYS

    def load(self, decisions: Sequence[Decision]) -> None:
        """For the next case."""
        self._left = deque(decisions)

    def turn(self) -> Decision:
        """Go on to the next."""
        self.verdict = self._left.popleft() if self._left else _ALWAYS
        self._told += 1
        return self.verdict

    def standings(self, charges: Sequence[Charge]) -> tuple[Standing, ...]:
        """By the verdict; the last of several windows is the one that refuses."""
        refused = self.verdict.verdict in (Verdict.REFUSED, Verdict.REMEMBERED)
        last = len(charges) - 1
        return tuple(
            Standing(not (refused and place == last), 0 if refused else 7 + self._told % 5, 2.5 + place)
            for place in range(len(charges))
        )


class ScriptedViews:
    """In the place of `gateway.limiter.views.Views`: remembers what the script says, and nothing else."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def refusal(self, charges: Sequence[Charge], now: float) -> tuple[Standing, ...] | None:
        """Asked first of all for each request that is counted."""
        del now
        if self._script.turn().verdict is not Verdict.REMEMBERED or charges[-1].shadow:
            return None
        return self._script.standings(charges)


class ScriptedStore:
    """In the place of `gateway.limiter.store.Store`."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def ask(self, charges: Sequence[Charge], on_answer: Callable[[Ask], None]) -> Ask:
        """Tell the verdict in its time.

        Raises:
            StoreUnavailable: that is the verdict.
        """
        decision, standings = self._script.verdict, self._script.standings(charges)
        if decision.verdict is Verdict.AWAY:
            raise StoreUnavailable("simulated")
        loop = asyncio.get_running_loop()
        asked = Ask(charges, loop.time(), on_answer)
        lost = decision.verdict is Verdict.LOST

        def answer() -> None:
            if asked.waits:
                asked.answer = StoreUnavailable("simulated") if lost else standings
                tell([asked])

        if decision.seconds:
            loop.call_later(decision.seconds, answer)
        else:
            loop.call_soon(answer)
        return asked
