"""Redis commands as RESP2 bytes, precomputed for the sub-intervals around a stamp. No IO and no clock."""

from collections.abc import Callable
from typing import cast

import hiredis

from gateway.contract import window
from gateway.contract.window import MICROSECONDS, SUB_INTERVALS

Command = tuple[str | int, ...]

pack = cast(Callable[[Command], bytes], hiredis.pack_command)  # the stub knows 1-tuples only

TIME = pack(("TIME",))

EDGE = SUB_INTERVALS + 1
"""Distance from the current sub-interval to the oldest that any decision in it counts.

Decisions in its second part begin one later: a window reaches back for W + 2E, and 2E < w.
"""

_MAX_CACHED_STRINGS = 1000
_MAX_PERIODS = 1000
_ROW_BEFORE = 10  # expired sub-intervals that are usually not deleted yet

_TIMES_HINCRBY = b"*4\r\n$7\r\nHINCRBY\r\n%%b%b%%b"
_HGETALL = b"*2\r\n$7\r\nHGETALL\r\n%b"
_HMGET = b"*%d\r\n$5\r\nHMGET\r\n%%b%b"
_PEXPIRE = b"*3\r\n$7\r\nPEXPIRE\r\n%%b%b"


def bulk_string(value: str | int) -> bytes:
    """One argument of a command."""
    encoded = str(value).encode()
    return b"$%d\r\n%b\r\n" % (len(encoded), encoded)


class BulkStrings(dict[int, bytes]):
    """Small numbers as bulk strings."""

    def __missing__(self, number: int) -> bytes:
        made = bulk_string(number)
        if 0 <= number < _MAX_CACHED_STRINGS:
            self[number] = made
        return made


class SubIntervalFrame:
    """Indices and command templates that are the same for all stamps from `since` until before `until`."""

    __slots__ = (
        "_count",
        "_read_since",
        "_renew",
        "counts_edge",
        "edge_place",
        "empty",
        "field",
        "kept_place",
        "number",
        "oldest",
        "oldest_kept",
        "period_seconds",
        "places",
        "reach",
        "read_all",
        "read_open",
        "renew_and_read_all",
        "row",
        "row_begins",
        "since",
        "span",
        "tolerance",
        "until",
    )

    def __init__(self, stamp: int, period_seconds: int) -> None:
        self.period_seconds = period_seconds
        self.number = number = window.sub_interval(stamp, period_seconds)
        self.oldest = oldest = window.oldest_counted(stamp, period_seconds)
        self.tolerance = window.stamp_tolerance(period_seconds)
        self.counts_edge = oldest <= number - EDGE
        self.span = period_seconds * MICROSECONDS
        self.reach = self.span + 2 * self.tolerance
        """Microseconds from the end of a sub-interval until it stops being counted."""
        self.oldest_kept = kept = window.oldest_kept(stamp, period_seconds)
        kept_for = self.reach + 2 * self.tolerance
        self.since = max(
            self._start(number), self._start(oldest) + self.reach, self._start(kept + 1) + kept_for
        )
        self.until = min(
            self._start(number + 1), self._start(oldest + 1) + self.reach, self._start(kept + 2) + kept_for
        )
        self._make_row()
        self._make_commands()

    def _start(self, number: int) -> int:
        """The first microsecond of a sub-interval."""
        return -(-number * self.span // SUB_INTERVALS)

    def _make_row(self) -> None:
        """The fields of the sub-intervals that are counted or not deleted yet."""
        self.row_begins = self.oldest_kept - _ROW_BEFORE
        fields = [window.field(number) for number in range(self.row_begins, self.number + 2)]
        self.field = fields[-2]
        self.row = b",".join(fields)
        self.places = {field: place for place, field in enumerate(fields)}
        self.edge_place = self.number - EDGE - self.row_begins
        self.kept_place = _ROW_BEFORE
        self.empty = [0] * len(fields)
        self.empty[-2] = -1
        """Shows that a hash lacks the current one."""

    def _make_commands(self) -> None:
        """Their gaps are for the key, the units, and the key twice more."""
        self._count = _TIMES_HINCRBY % bulk_string(self.number)
        self._renew = _PEXPIRE % bulk_string(window.key_lifetime_ms(self.period_seconds))
        read_open = _HMGET % (4, bulk_string(self.number - 1) + bulk_string(self.number + 1))
        self.read_open = self._count + read_open + self._renew
        self.read_all = self._count + _HGETALL + self._renew
        self.renew_and_read_all = self._renew + self.read_all
        self._read_since: dict[int, bytes] = {}

    def read_since(self, steps: int) -> bytes:
        """The commands for a window that was read `steps` sub-intervals ago."""
        made = self._read_since.get(steps)
        if made is None:
            open_then = range(self.number - steps - 1, self.number)
            fields = [*open_then, self.number + 1, window.BACKFILLED]
            read = _HMGET % (2 + len(fields), b"".join(map(bulk_string, fields)))
            made = self._read_since[steps] = self._count + read + self._renew
        return made

    def leaves_at(self, number: int) -> int:
        """As `window.leaves_at`."""
        return -(-(number + 1) * self.span // SUB_INTERVALS) + self.reach


class FrameCache:
    """The last frame of each period, since most stamps fall into it."""

    def __init__(self) -> None:
        self._by_period: dict[int, SubIntervalFrame] = {}
        self.bulk_strings = BulkStrings()

    def at(self, stamp: int, period_seconds: int) -> SubIntervalFrame:
        """The frame of a period that a stamp falls into."""
        frame = self._by_period.get(period_seconds)
        if frame is None or not frame.since <= stamp < frame.until:
            if len(self._by_period) >= _MAX_PERIODS:
                self._by_period.clear()
            frame = self._by_period[period_seconds] = SubIntervalFrame(stamp, period_seconds)
        return frame
