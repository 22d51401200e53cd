"""What a node knows of windows without asking Redis: their hashes as last read. No IO and no clock."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import Any

from gateway.contract import window
from gateway.contract.window import MICROSECONDS
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.frame import EDGE, FrameCache, SubIntervalFrame, bulk_string

MAX_COUNT = 2**40
"""A larger count is damage; it is more than any quota, so it need only reject."""

READ_SECONDS = 0.25
"""How long a node goes without reading whether anything was backfilled."""

WHOLE_SECONDS = 60.0
"""How long, or five sub-intervals if that is less, a node goes without reading the whole hash."""

DENY_SECONDS = 0.25

MAX_WINDOWS = 20_000
"""Some 500 bytes each, and 8 for each of up to 75 sub-intervals: 22 MB at most."""

_MAX_CACHED_COUNTS = 10_000
_OPEN = 3
_FEW = 8  # up to so many sub-intervals, reading the whole hash costs no more
_WHOLE_SUB_INTERVALS = 5  # bounds how long a refund of a closed sub-interval stays unseen


@dataclass(slots=True, init=False)  # one per request: see CONTRIBUTING, "What is compiled"
class HashSnapshot:
    """A window's hash as counts of sub-intervals; a count below zero is zero.

    `units` are those of the closed sub-intervals, without a gap, up to the second before the current one.
    `first` is the first with units that every frame of the current one counts. `deficits` are the counted
    sub-intervals below zero, each with its distance from zero. `future_fields` is the number of fields
    after the next sub-interval.
    """

    units: list[int]
    first: int
    previous: int
    following: int
    has_current: bool
    expired: tuple[int, ...]
    future_fields: int
    backfilled: int
    deficits: tuple[tuple[int, int], ...]

    def __init__(
        self,
        units: list[int],
        first: int = 0,
        previous: int = 0,
        following: int = 0,
        *,
        has_current: bool = True,
        expired: tuple[int, ...] = (),
        future_fields: int = 0,
        backfilled: int = 0,
        deficits: tuple[tuple[int, int], ...] = (),
    ) -> None:
        self.units = units
        self.first = first
        self.previous = previous
        self.following = following
        self.has_current = has_current
        self.expired = expired
        self.future_fields = future_fields
        self.backfilled = backfilled
        self.deficits = deficits


CURRENT_ONLY = HashSnapshot([])
"""A hash in which the current sub-interval is the only field."""


class Counts(dict[bytes, int]):
    """Counts by their text in Redis: most are small, and the same for many keys."""

    def __missing__(self, text: object) -> int:
        """Parse and cache a count.

        Raises:
            ValueError, TypeError: it is no count, or below zero.
        """
        if not isinstance(text, bytes):
            raise TypeError(text)
        units = min(int(text), MAX_COUNT)
        if units < 0:
            raise ValueError(text)
        if len(self) < _MAX_CACHED_COUNTS:
            self[text] = units
        return units


class HashParser:
    """Parses replies to HGETALL and HMGET. What is not a number was not written by a node: it counts as 0."""

    def __init__(self) -> None:
        self._counts = Counts()

    def count(self, reply: Any) -> int:
        """The count in one field, which may be below zero."""
        if reply is None:
            return 0
        try:
            return self._counts[reply]
        except (ValueError, TypeError):
            return _below_zero(reply)

    def parse(self, reply: list[Any], frame: SubIntervalFrame) -> HashSnapshot:
        """Parse a reply to HGETALL."""
        if len(reply) == 2 and reply[0] == frame.field:
            return CURRENT_ONLY
        try:
            return self.parse_fast(reply, frame)
        except (LookupError, ValueError, TypeError):
            return self.parse_any(reply, frame)

    def parse_fast(self, reply: list[Any], frame: SubIntervalFrame) -> HashSnapshot:
        """`parse_any` for a reply whose fields are all in the frame's row.

        A hot path: 4.5 µs for 62 fields, 10 if they are unordered; `parse_any` takes 48. A small hash has
        its fields in the order of their creation. With a client that never pauses they are a contiguous
        part of the row, and are not looked up one by one.

        Raises:
            LookupError, ValueError, TypeError: some field is not in the row, or not a count.
        """
        fields = reply[::2]
        counts = list(map(self._counts.__getitem__, reply[1::2]))
        if len(fields) != len(counts):
            raise ValueError("a field without a count")
        place = frame.places[fields[0]]
        row = frame.empty.copy()
        joined, step = b",".join(fields), len(frame.field) + 1
        if len(joined) + 1 == len(fields) * step and frame.row.startswith(joined, place * step):
            row[place : place + len(counts)] = counts
            expired = list(range(place, min(frame.kept_place, place + len(counts))))
        else:
            places = list(map(frame.places.__getitem__, fields))
            for place, count in zip(places, counts, strict=True):
                row[place] = count
            place = min(places)
            expired = [each for each in places if each < frame.kept_place]
        return _snapshot(row, place, tuple(frame.row_begins + each for each in expired), 0, 0, frame)

    def parse_any(self, reply: list[Any], frame: SubIntervalFrame) -> HashSnapshot:
        """Parse a reply to HGETALL with any content."""
        fields = dict(self._numbered(reply))
        row = frame.empty.copy()
        for number in range(frame.row_begins, frame.number + 2):
            if (count := fields.get(number)) is not None:
                row[number - frame.row_begins] = max(0, count)
        deficits = tuple(
            (number, -count)
            for number, count in fields.items()
            if count < 0 and frame.oldest <= number <= frame.number + 1
        )
        expired = tuple(number for number in fields if number < frame.oldest_kept)
        future_fields = sum(number > frame.number + 1 and count > 0 for number, count in fields.items())
        backfilled = next(
            (
                max(0, self.count(count))
                for field, count in zip(reply[::2], reply[1::2], strict=False)
                if field == window.BACKFILLED_BYTES
            ),
            0,
        )
        begins = next((place for place, count in enumerate(row) if count > 0), len(row))
        return _snapshot(row, begins, expired, future_fields, backfilled, frame, deficits)

    def _numbered(self, reply: list[Any]) -> Iterator[tuple[int, int]]:
        for field, count in zip(reply[::2], reply[1::2], strict=False):
            with suppress(ValueError, TypeError, OverflowError):
                yield int(field), self._counts[count] if count[:1] != b"-" else _below_zero(count)


def _below_zero(reply: object) -> int:
    """A count below zero; 0 if it is not below zero, or no count."""
    if not isinstance(reply, bytes):
        return 0
    try:
        return max(-MAX_COUNT, min(0, int(reply)))
    except ValueError:
        return 0


def _snapshot(
    row: list[int],
    begins: int,
    expired: tuple[int, ...],
    future_fields: int,
    backfilled: int,
    frame: SubIntervalFrame,
    deficits: tuple[tuple[int, int], ...] = (),
) -> HashSnapshot:
    """Of a frame's row that is empty before place `begins`."""
    current = len(row) - 2
    begins = min(max(begins, frame.edge_place), current - 1)
    units = row[begins : current - 1]
    first = max(begins, frame.edge_place + 1)
    while first < current - 1 and not row[first]:
        first += 1
    return HashSnapshot(
        units,
        frame.row_begins + first,
        row[current - 1],
        row[current + 1],
        has_current=row[current] >= 0,
        expired=expired,
        future_fields=future_fields,
        backfilled=backfilled,
        deficits=deficits,
    )


class CachedWindow:
    """The counted sub-intervals of a window, oldest first, and its last rejection.

    Sub-intervals two or more before the current one are closed: a unit stamped into one of them was
    executed, within E of the stamp and 2E < w, before this was read. So they are final, except for later
    refunds and backfill.

    `edge` is the oldest that any frame of the current one counts, and `closed` the sum of the others; of
    these `first` is the first with any units. Open are `previous`, `current` and `following`.
    """

    __slots__ = (
        "_begins",
        "_denied_cost",
        "_denied_quota",
        "_frees_at",
        "_stale_before",
        "_units",
        "_whole_seconds",
        "backfilled",
        "checked_at",
        "closed",
        "counted_from",
        "current",
        "denied_until",
        "edge",
        "first",
        "first_units",
        "following",
        "key",
        "number",
        "period_seconds",
        "previous",
        "read_at",
    )

    def __init__(self, key: str, period_seconds: int) -> None:
        """Empty until the first `load`."""
        self.key = bulk_string(key)
        self.period_seconds = period_seconds
        self._whole_seconds = min(_WHOLE_SUB_INTERVALS * period_seconds / window.SUB_INTERVALS, WHOLE_SECONDS)
        self._denied_cost = self._denied_quota = 0
        self.denied_until = self._frees_at = 0.0
        self.number = self.counted_from = 0
        self.read_at = self.checked_at = self._stale_before = -inf
        self._begins = 0
        self._units: list[int] = []
        self.edge = self.closed = self.first = self.first_units = self.backfilled = 0
        self.previous = self.current = self.following = 0

    def __len__(self) -> int:
        """The number of sub-intervals held."""
        return len(self._units) + _OPEN

    def load(self, snapshot: HashSnapshot, frame: SubIntervalFrame, current: int, read_at: float) -> None:
        """Take over a whole hash, read by a batch sent at monotonic `read_at`."""
        units = snapshot.units
        self.first, self.previous, self.following = snapshot.first, snapshot.previous, snapshot.following
        self._units = units or []  # its own, since it grows
        self.current = current
        self.number, self.counted_from = frame.number, frame.oldest
        self._begins = frame.number - 1 - len(units)
        self.edge = self.closed = self.first_units = 0
        if units:
            self.edge = units[0] if self._begins == frame.number - EDGE else 0
            self.closed = sum(units) - self.edge
            self._find_first()
        self.backfilled = snapshot.backfilled
        self.read_at = self.checked_at = read_at if read_at >= self._stale_before else -inf

    def _find_first(self) -> None:
        units, place = self._units, max(0, self.first - self._begins)
        while place < len(units) and not units[place]:
            place += 1
        self.first, self.first_units = self._begins + place, units[place] if place < len(units) else 0

    def steps(self, number: int, now: float) -> int | None:
        """What to read for a decision in sub-interval `number` at monotonic `now`.

        None: the whole hash. -1: the open sub-intervals. Else also those closed since so many sub-intervals.
        """
        steps = number - self.number
        if steps == 0 and now - self.checked_at < READ_SECONDS:
            return -1
        if steps >= 0 and now - self.read_at < self._whole_seconds and len(self._units) > _FEW:
            return steps
        return None

    def advance(self, number: int, closed: list[int], checked_at: float) -> None:
        """Make `number` the current one; `closed` are those closed since, from the previous one on.

        The backfill counter was read too, at monotonic `checked_at`. `load_open` must follow.
        """
        units, edge = self._units, number - EDGE - self._begins
        units += closed
        if closed:
            leave = units[max(0, edge + 1 - len(closed)) : max(0, edge + 1)]
            self.closed += sum(closed) - sum(leave)
            self.edge = units[edge] if edge >= 0 else 0
        self.number = number
        self.first = max(self.first, number - EDGE + 1)
        self._find_first()
        self.checked_at = checked_at if checked_at >= self._stale_before else -inf

    def forget(self, oldest_kept: int) -> Sequence[int]:
        """Drop sub-intervals before `oldest_kept`; returns them, since refunds leave fields of 0 in Redis."""
        count = min(oldest_kept - self._begins, len(self._units))
        if count <= 0:
            return ()
        expired = range(self._begins, self._begins + count)
        del self._units[:count]
        self._begins += count
        return expired

    def is_kept(self, now: float) -> bool:
        """Whether Redis keeps the key at monotonic `now`, and a while after: it lives for W + 2w + 1 s."""
        return now - self.read_at < self.period_seconds

    def expire(self, now: float) -> None:
        """Make the next decision need a whole hash that is read by a batch sent at `now` or later."""
        self.read_at = self.checked_at = -inf
        self._stale_before = now
        self.denied_until = 0.0

    def load_open(self, previous: int, current: int, following: int) -> None:
        """Take over the open sub-intervals."""
        self.previous, self.current, self.following = previous, current, following

    def add(self, units: int) -> None:
        """Add units of this node to the current sub-interval; below zero, refund them."""
        self.current = max(0, self.current + units)

    def total(self, at: int) -> int:
        """The units that count at Redis microsecond `at`."""
        self.counted_from = window.oldest_counted(at, self.period_seconds)
        return self.last_total

    @property
    def last_total(self) -> int:
        """The last `total`, with what was added since."""
        beyond = self.counted_from - (self.number - EDGE)
        if beyond > 1:
            return sum(units for _, units in self._counted(self.counted_from))
        total = self.closed + self.previous + self.current + self.following
        return total if beyond == 1 else total + self.edge

    def _counted(self, oldest: int) -> Iterator[tuple[int, int]]:
        """Sub-intervals with units from `oldest` on, in order."""
        held = chain(self._units, (self.previous, self.current, self.following))
        for number, units in enumerate(held, self._begins):
            if number >= oldest and units:
                yield number, units

    def leaves_at(self, at: int, units: int) -> int:
        """When `units` of those that count at `at` will have left without new hits; at the latest all."""
        last = self.number
        for number, counted in self._counted(window.oldest_counted(at, self.period_seconds)):
            last = number
            units -= counted
            if units <= 0:
                break
        return window.leaves_at(last, self.period_seconds)

    def deny(self, quota: int, cost: int, stamp: int, wait_seconds: float, sent: float) -> None:
        """Cache a rejection by a batch that was sent at monotonic `sent`.

        Briefly, since the units that caused it may be refunded.
        """
        end = (self.number + 1) * self.period_seconds * MICROSECONDS / window.SUB_INTERVALS
        rest = (end - stamp) / MICROSECONDS
        self._denied_quota, self._denied_cost = quota, cost
        self._frees_at = sent + wait_seconds
        self.denied_until = sent + min(rest, wait_seconds, DENY_SECONDS)

    def denies(self, quota: int, cost: int, now: float) -> bool:
        """Whether the cached rejection holds for a request of this cost under this quota."""
        return now < self.denied_until and cost >= self._denied_cost and quota <= self._denied_quota

    def frees_in(self, now: float) -> float:
        """Seconds until the rejected request would fit."""
        return max(0.0, self._frees_at - now)


class WindowCache:
    """The windows that were read last, and what they share; the least recently read is dropped first."""

    def __init__(self) -> None:
        self.frames = FrameCache()
        self.parser = HashParser()
        self._by_key: OrderedDict[str, CachedWindow] = OrderedDict()

    def __len__(self) -> int:
        """The number of windows held."""
        return len(self._by_key)

    def get(self, key: str) -> CachedWindow | None:
        """The window of a key, if it is known."""
        return self._by_key.get(key)

    def load(
        self, key: str, frame: SubIntervalFrame, snapshot: HashSnapshot, current: int, read_at: float
    ) -> CachedWindow:
        """Take over a whole hash: see `CachedWindow.load`."""
        by_key = self._by_key
        cached = by_key.get(key)
        if cached is None:
            cached = by_key[key] = CachedWindow(key, frame.period_seconds)
        else:
            by_key.move_to_end(key)
        cached.load(snapshot, frame, current, read_at)
        if len(by_key) > MAX_WINDOWS:
            by_key.popitem(last=False)
        return cached

    def expire(self, key: str, now: float) -> None:
        """As `CachedWindow.expire`, for a window that may be known."""
        if (cached := self._by_key.get(key)) is not None:
            cached.expire(now)

    def expire_all(self, now: float) -> None:
        """Expire all windows, since the Redis server may be another one."""
        for cached in self._by_key.values():
            cached.expire(now)

    def rejection(self, hits: Sequence[Hit], now: float) -> tuple[WindowStatus, ...] | None:
        """The rejection of such a request, if a window has just rejected one that cost no more."""
        if len(hits) == 1:  # nearly always, and rarely rejected
            (hit,) = hits
            cached = self._by_key.get(hit.key)
            if cached is None or now >= cached.denied_until:
                return None
            if hit.cost == 1 and not hit.shadow and cached.denies(hit.limit.quota, 1, now):
                return (WindowStatus(False, 0, cached.frees_in(now)),)  # if 1 does not fit, 0 remain
        windows = [self._by_key.get(hit.key) for hit in hits]
        if not any(
            cached is not None and not hit.shadow and cached.denies(hit.limit.quota, hit.cost, now)
            for hit, cached in zip(hits, windows, strict=True)
        ):
            return None
        return tuple(_cached_status(hit, cached, now) for hit, cached in zip(hits, windows, strict=True))


def _cached_status(hit: Hit, cached: CachedWindow | None, now: float) -> WindowStatus:
    if cached is None:
        return WindowStatus(True, hit.limit.quota, 0.0)
    remaining = max(0, hit.limit.quota - cached.last_total)
    denied = cached.denies(hit.limit.quota, hit.cost, now)
    return WindowStatus(not denied, remaining, cached.frees_in(now) if denied else 0.0)
