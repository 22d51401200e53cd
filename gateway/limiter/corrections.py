"""What goes back to Redis after the decisions: refused units, and sub-intervals that nobody counts any more.

Corrections belong to one connection and are dropped with it: another server may not have what they correct.
"""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field

from gateway.contract import window
from gateway.limiter.commands import Command, pack


@dataclass(slots=True)
class _Pending:
    period_seconds: int
    units: dict[int, int] = field(default_factory=dict)
    expired: set[int] = field(default_factory=set)


class Corrections:
    """Collects corrections by key until they are sent with the next pipeline."""

    def __init__(self, on_first: Callable[[], None]) -> None:
        """`on_first` is called when there is something to send where there was nothing."""
        self._on_first = on_first
        self._by_key: dict[str, _Pending] = {}

    def __bool__(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._by_key)

    def give_back(self, key: str, period_seconds: int, number: int, units: int) -> None:
        """Take `units` off a sub-interval again."""
        if units:
            counts = self._of(key, period_seconds).units
            counts[number] = counts.get(number, 0) + units

    def delete(self, key: str, period_seconds: int, numbers: Iterable[int]) -> None:
        """Remove sub-intervals."""
        if numbers := set(numbers):
            self._of(key, period_seconds).expired |= numbers

    def _of(self, key: str, period_seconds: int) -> _Pending:
        if not self._by_key:
            self._on_first()
        return self._by_key.setdefault(key, _Pending(period_seconds))

    def take_commands(self, stamp: int, renewed: Container[str] = ()) -> list[bytes]:
        """All corrections as commands, to be sent at once, with questions that renew some keys' expiry.

        Units near the tail stay: they leave the window anyway, and a correction that is late would fall on
        a deleted field and make it negative.
        """
        commands: list[Command] = []
        for key, pending in self._by_key.items():
            tail = window.oldest_counted(stamp, pending.period_seconds) + 1
            back = [(number, units) for number, units in pending.units.items() if number > tail]
            commands += [("HINCRBY", key, number, -units) for number, units in back]
            if pending.expired:
                commands.append(("HDEL", key, *sorted(pending.expired)))
            if back and key not in renewed:
                commands.append(("PEXPIRE", key, window.key_lifetime_ms(pending.period_seconds)))
        self._by_key.clear()
        return list(map(pack, commands))
