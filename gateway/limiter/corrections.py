"""What goes back to Redis after the decisions: refused units, and sub-intervals that nobody counts any more.

Corrections belong to one connection and are dropped with it: another server may not have what they correct.

The same server may have lost the counts that a refund is for (FLUSHALL, an eviction). Then the refund leaves
the count below zero, which its reply shows, and the node adds the units again.
"""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.contract import window
from gateway.limiter.frame import Command, pack


class Refund(NamedTuple):
    """Units taken off a sub-interval by the command at index `place` of the corrections of a pipeline."""

    place: int
    key: str
    period_seconds: int
    number: int
    units: int


@dataclass(slots=True)
class _Pending:
    period_seconds: int
    units: dict[int, int] = field(default_factory=dict)
    added: dict[int, int] = field(default_factory=dict)
    expired: set[int] = field(default_factory=set)


class Corrections:
    """Collects corrections by key until they are sent with the next pipeline."""

    def __init__(self, on_first: Callable[[], None]) -> None:
        """`on_first` is called when there is something to send where there was nothing."""
        self._on_first = on_first
        self._by_key: dict[str, _Pending] = {}
        self.has_additions = False
        """Whether there are units to be added, for which other requests wait."""

    def __bool__(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._by_key)

    def give_back(self, key: str, period_seconds: int, number: int, units: int) -> None:
        """Take `units` off a sub-interval again."""
        if units:
            counts = self._of(key, period_seconds).units
            counts[number] = counts.get(number, 0) + units

    def add(self, key: str, period_seconds: int, number: int, units: int) -> None:
        """Add `units` to a sub-interval whose count is below zero."""
        counts = self._of(key, period_seconds).added
        counts[number] = counts.get(number, 0) + units
        self.has_additions = True

    def delete(self, key: str, period_seconds: int, numbers: Iterable[int]) -> None:
        """Remove sub-intervals."""
        if numbers := set(numbers):
            self._of(key, period_seconds).expired |= numbers

    def _of(self, key: str, period_seconds: int) -> _Pending:
        if not self._by_key:
            self._on_first()
        return self._by_key.setdefault(key, _Pending(period_seconds))

    def take(self, stamp: int, renewed: Container[str] = ()) -> tuple[list[bytes], list[Refund]]:
        """All corrections as commands, to be sent at once, with questions that renew some keys' expiry.

        The second list says which of the commands are refunds.

        Units near the tail stay: they leave the window anyway, and a correction that is late would fall on
        a deleted field and make it negative.
        """
        commands: list[Command] = []
        refunds: list[Refund] = []
        for key, pending in self._by_key.items():
            commands += [("HINCRBY", key, number, units) for number, units in pending.added.items()]
            tail = window.oldest_counted(stamp, pending.period_seconds) + 1
            back = [(number, units) for number, units in pending.units.items() if number > tail]
            for number, units in back:
                refunds.append(Refund(len(commands), key, pending.period_seconds, number, units))
                commands.append(("HINCRBY", key, number, -units))
            if pending.expired:
                commands.append(("HDEL", key, *sorted(pending.expired)))
            if (back or pending.added) and key not in renewed:
                commands.append(("PEXPIRE", key, window.key_lifetime_ms(pending.period_seconds)))
        self._by_key.clear()
        self.has_additions = False
        return list(map(pack, commands)), refunds
