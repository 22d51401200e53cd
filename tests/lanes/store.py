"""Redis as a script: each request that is counted gets the next verdict."""

from collections import deque
from collections.abc import Sequence

from tests.lanes.generator.case import Decision, Verdict

_ALWAYS = Decision(Verdict.ADMITTED, 0.0)


class Script:
    """The verdicts of a case. Behind their end all requests are admitted.

    Where clients send at one instant, each has its own place in the verdicts, so that the order in which
    their requests are decided makes no difference to what is decided.
    """

    def __init__(self) -> None:
        self._decisions: Sequence[Decision] = ()
        self._by_client = False
        self._left: dict[str, deque[Decision]] = {}
        self._current: dict[str, Decision] = {}
        self._decided: dict[str, int] = {}

    def load(self, decisions: Sequence[Decision], *, by_client: bool) -> None:
        """For the next case."""
        self._decisions, self._by_client = decisions, by_client
        self._left.clear()
        self._current.clear()
        if by_client:
            self._decided.clear()

    def turn(self, key: str) -> Decision:
        """Go on to the next verdict about requests that are counted under this key."""
        key = self._key(key)
        left = self._left.setdefault(key, deque(self._decisions))
        self._current[key] = left.popleft() if left else _ALWAYS
        self._decided[key] = self._decided.get(key, 0) + 1
        return self._current[key]

    def current(self, key: str) -> Decision:
        """The verdict at hand."""
        return self._current.get(self._key(key), _ALWAYS)

    def remaining(self, key: str) -> int:
        """Units that an admitted request leaves."""
        return 7 + self._decided.get(self._key(key), 0) % 5

    def _key(self, key: str) -> str:
        return key if self._by_client else ""
