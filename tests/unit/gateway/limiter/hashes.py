"""What Redis answers to the commands of counting, from plain dicts."""

from collections import Counter

from gateway.limiter.connection import Reply
from gateway.limiter.frame import Command
from tests.unit.gateway.limiter.builders import hash_reply, time_reply


class Hashes:
    """All hashes, with their expiry. Commands of several nodes can be mixed as Redis mixes them: whole."""

    def __init__(self) -> None:
        self._fields: dict[str, dict[int, int]] = {}
        self._ends: dict[str, int] = {}
        self.expired: Counter[tuple[str, int]] = Counter()
        """What stood in sub-intervals when their key expired."""

    def fields(self, key: str, at: int) -> dict[int, int]:
        """One of them, at a Redis microsecond."""
        if at >= self._ends.get(key, at + 1):
            del self._ends[key]
            for number, units in self._fields.pop(key).items():
                self.expired[key, number] += units
        return self._fields.setdefault(key, {})

    def answer(self, command: Command, at: int) -> Reply:
        """The reply to one command."""
        name, *rest = command
        if name == "TIME":
            return time_reply(at)
        key = str(rest[0])
        fields = self.fields(key, at)
        if name == "HMGET":
            return [b"%d" % fields[int(each)] if each in fields else None for each in rest[1:]]
        numbers = list(map(int, rest[1:]))
        if name == "HINCRBY":
            number, units = numbers
            fields[number] = fields.get(number, 0) + units
            return fields[number]
        if name == "HGETALL":
            return hash_reply(fields)
        if name == "HDEL":
            return sum(fields.pop(number, None) is not None for number in numbers)
        assert name == "PEXPIRE", command
        self._ends[key] = at + 1000 * numbers[0]
        return 1
