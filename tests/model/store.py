"""What Redis keeps, and the commands that the limiter uses: pure, time is an argument."""

import re
from collections.abc import Callable, Sequence

Command = tuple[bytes, ...]

_INTEGER = re.compile(rb"-?[1-9][0-9]{0,18}|0")
_MAX, _MIN = 2**63 - 1, -(2**63)

WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
NOT_AN_INTEGER = b"-ERR value is not an integer or out of range\r\n"
HASH_NOT_AN_INTEGER = b"-ERR hash value is not an integer\r\n"
OVERFLOW = b"-ERR increment or decrement would overflow\r\n"

Hash = dict[bytes, bytes]


class Store:
    """Hashes and strings with their expiry, in milliseconds of Redis' clock. Replies are RESP2."""

    def __init__(self) -> None:
        self.values: dict[bytes, Hash | bytes] = {}
        self.expiry: dict[bytes, int] = {}
        self.expired: list[tuple[int, bytes, Hash]] = []
        """What time has taken away: millisecond, key, fields."""

    def lose_all(self) -> None:
        """Be empty, as after a start without data."""
        self.values.clear()
        self.expiry.clear()

    def execute(self, command: Command, at: int) -> bytes:
        """The reply to `command`, which changes the store, at microsecond `at` of Redis' clock."""
        name = command[0].upper()
        if name == b"TIME":
            return _array([b"%d" % (at // 1_000_000), b"%d" % (at % 1_000_000)])
        known = _COMMANDS.get(name)
        if known is None:
            return b"-ERR unknown command '%s'\r\n" % command[0]
        run, least, most = known
        if not least <= len(command) - 1 <= most:
            return b"-ERR wrong number of arguments for '%s' command\r\n" % command[0].lower()
        if len(command) > 1:
            self._expire(command[1], at // 1000)
        return run(self, command[1:], at // 1000)

    def _expire(self, key: bytes, at_ms: int) -> None:
        when = self.expiry.get(key, at_ms)
        if at_ms > when:
            fields = self.values[key]
            self.expired.append((when, key, fields if isinstance(fields, dict) else {}))
            self.lose(key)

    def lose(self, key: bytes) -> None:
        """Be without a key, as after an eviction."""
        self.values.pop(key, None)
        self.expiry.pop(key, None)

    def hincrby(self, args: Sequence[bytes], _: int) -> bytes:
        """HINCRBY key field n."""
        key, field, text = args
        step = _integer(text)
        if step is None:
            return NOT_AN_INTEGER
        fields = self.values.get(key)
        if isinstance(fields, bytes):
            return WRONG_TYPE
        old = _integer((fields or {}).get(field, b"0"))
        if old is None:
            return HASH_NOT_AN_INTEGER
        if not _MIN <= old + step <= _MAX:
            return OVERFLOW
        if fields is None:
            fields = self.values[key] = {}
        fields[field] = b"%d" % (old + step)
        return b":%d\r\n" % (old + step)

    def hgetall(self, args: Sequence[bytes], _: int) -> bytes:
        """HGETALL key."""
        fields = self.values.get(args[0], {})
        if isinstance(fields, bytes):
            return WRONG_TYPE
        return _array([part for item in fields.items() for part in item])

    def hmget(self, args: Sequence[bytes], _: int) -> bytes:
        """HMGET key field…"""
        fields = self.values.get(args[0], {})
        if isinstance(fields, bytes):
            return WRONG_TYPE
        return _array([fields.get(field) for field in args[1:]])

    def hget(self, args: Sequence[bytes], _: int) -> bytes:
        """HGET key field."""
        fields = self.values.get(args[0], {})
        return WRONG_TYPE if isinstance(fields, bytes) else _bulk(fields.get(args[1]))

    def hset(self, args: Sequence[bytes], _: int) -> bytes:
        """HSET key field value, one field."""
        fields = self.values.setdefault(args[0], {})
        if isinstance(fields, bytes):
            return WRONG_TYPE
        new = args[1] not in fields
        fields[args[1]] = args[2]
        return b":%d\r\n" % new

    def hdel(self, args: Sequence[bytes], _: int) -> bytes:
        """HDEL key field…"""
        fields = self.values.get(args[0], {})
        if isinstance(fields, bytes):
            return WRONG_TYPE
        gone = sum(fields.pop(field, None) is not None for field in args[1:])
        if not fields:
            self.lose(args[0])
        return b":%d\r\n" % gone

    def pexpire(self, args: Sequence[bytes], at_ms: int) -> bytes:
        """PEXPIRE key milliseconds."""
        lifetime = _integer(args[1])
        if lifetime is None:
            return NOT_AN_INTEGER
        if args[0] not in self.values:
            return b":0\r\n"
        if lifetime <= 0:
            self.lose(args[0])
        else:
            self.expiry[args[0]] = at_ms + lifetime
        return b":1\r\n"

    def pttl(self, args: Sequence[bytes], at_ms: int) -> bytes:
        """PTTL key."""
        if args[0] not in self.values:
            return b":-2\r\n"
        return b":%d\r\n" % (self.expiry[args[0]] - at_ms if args[0] in self.expiry else -1)

    def set(self, args: Sequence[bytes], _: int) -> bytes:
        """SET key value."""
        self.lose(args[0])
        self.values[args[0]] = args[1]
        return b"+OK\r\n"

    def ping(self, args: Sequence[bytes], _: int) -> bytes:
        """PING."""
        return _bulk(args[0]) if args else b"+PONG\r\n"

    def ok(self, _: Sequence[bytes], __: int) -> bytes:
        """AUTH and SELECT, where the server lets everybody in and has one database."""
        return b"+OK\r\n"


_ANY = 1_000
_COMMANDS: dict[bytes, tuple[Callable[[Store, Sequence[bytes], int], bytes], int, int]] = {
    b"HINCRBY": (Store.hincrby, 3, 3),
    b"HGETALL": (Store.hgetall, 1, 1),
    b"HMGET": (Store.hmget, 2, _ANY),
    b"HGET": (Store.hget, 2, 2),
    b"HSET": (Store.hset, 3, 3),
    b"HDEL": (Store.hdel, 2, _ANY),
    b"PEXPIRE": (Store.pexpire, 2, 2),
    b"PTTL": (Store.pttl, 1, 1),
    b"SET": (Store.set, 2, 2),
    b"PING": (Store.ping, 0, 1),
    b"AUTH": (Store.ok, 1, 2),
    b"SELECT": (Store.ok, 1, 1),
}


def _integer(text: bytes) -> int | None:
    if _INTEGER.fullmatch(text) is None:
        return None
    value = int(text)
    return value if _MIN <= value <= _MAX else None


def _bulk(value: bytes | None) -> bytes:
    return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)


def _array(values: Sequence[bytes | None]) -> bytes:
    return b"*%d\r\n%s" % (len(values), b"".join(map(_bulk, values)))
