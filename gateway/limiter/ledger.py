"""The books of what was admitted without Redis: how much, when, and whether Redis has it.

Times are kept on this node's monotonic clock, since Redis' may not be known yet; a sub-interval of that clock
is a bucket. What is posted goes into the sub-interval in which its bucket ended: there it counts a little
longer than it must, and never less long.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.contract import window
from gateway.contract.window import MICROSECONDS, SUB_INTERVALS
from gateway.limiter.decision import Hit
from gateway.limiter.frame import pack
from gateway.telemetry.counters import Counters

MAX_WINDOWS = 20_000
COMMANDS_EACH = 3
"""That post one posting."""


class Posting(NamedTuple):
    """Units of one bucket that Redis lacks."""

    key: str
    period_seconds: int
    bucket: int
    units: int

    @classmethod
    def of(cls, hit: Hit, passed_at: float) -> "Posting":
        """What a request took that was let through at this monotonic second."""
        period = hit.limit.period_seconds
        return cls(hit.key, period, window.sub_interval(int(passed_at * MICROSECONDS), period), hit.cost)


@dataclass(slots=True)
class _Account:
    """What this node admitted by itself from one window, by bucket; `unposted` is the part Redis lacks."""

    period_seconds: int
    units: dict[int, int] = field(default_factory=dict)
    unposted: dict[int, int] = field(default_factory=dict)
    changed_at: float = 0.0  # when something was entered or taken last

    def forget_what_left(self, now: float) -> None:
        oldest = window.oldest_counted(int(now * MICROSECONDS), self.period_seconds)
        for counts in (self.units, self.unposted):
            for bucket in [bucket for bucket in counts if bucket < oldest]:
                del counts[bucket]


class Ledger:
    """Accounts of `MAX_WINDOWS` windows at most; beyond that the longest unused is written off."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._owing: dict[str, _Account] = {}

    def __len__(self) -> int:
        """How many accounts there are."""
        return len(self._accounts)

    @property
    def owing(self) -> int:
        """Of how many windows Redis lacks something."""
        return len(self._owing)

    def total(self, key: str, now: float) -> int:
        """The units admitted by this node from a window, since Redis last told it, that count at `now`."""
        account = self._accounts.get(key)
        if account is None:
            return 0
        account.forget_what_left(now)
        return sum(account.units.values())

    def frees_in(self, key: str, now: float) -> float | None:
        """Seconds until some of that leaves; None where there is nothing."""
        account = self._accounts.get(key)
        if account is None or not account.units:
            return None
        return window.leaves_at(min(account.units), account.period_seconds) / MICROSECONDS - now

    def enter(self, hit: Hit, now: float, *, posted: bool) -> None:
        """Note an admission at monotonic `now`; `posted` where Redis has counted it, or perhaps will."""
        account = self._account(hit.key, hit.limit.period_seconds)
        bucket = window.sub_interval(int(now * MICROSECONDS), account.period_seconds)
        account.units[bucket] = account.units.get(bucket, 0) + hit.cost
        account.changed_at = now
        if not posted:
            self._owe(hit.key, account, bucket, hit.cost)

    def owe(self, postings: Iterable[Posting]) -> None:
        """Redis has not counted these after all, as far as is known."""
        for posting in postings:
            account = self._account(posting.key, posting.period_seconds)
            self._owe(posting.key, account, posting.bucket, posting.units)

    def _account(self, key: str, period_seconds: int) -> _Account:
        account = self._accounts.setdefault(key, _Account(period_seconds))
        self._accounts.move_to_end(key)
        while len(self._accounts) > MAX_WINDOWS:
            forgotten, oldest = self._accounts.popitem(last=False)
            self._owing.pop(forgotten, None)
            self.write_off(sum(oldest.unposted.values()))
        return account

    def _owe(self, key: str, account: _Account, bucket: int, units: int) -> None:
        account.unposted[bucket] = account.unposted.get(bucket, 0) + units
        self._owing[key] = account

    def square(self, key: str, sent: float) -> None:
        """A batch sent at monotonic `sent` has told of this window, with all that was posted before."""
        account = self._accounts.get(key)
        if account is not None and key not in self._owing and sent >= account.changed_at:
            del self._accounts[key]

    def write_off(self, units: int) -> None:
        """Redis will never have these."""
        self._counters.store_written_off += units

    def take(self, now: float, most: int) -> list[Posting]:
        """What Redis lacks and what still counts, `most` postings or a few more; it counts as posted."""
        taken: list[Posting] = []
        while self._owing and len(taken) < most:
            key, account = self._owing.popitem()
            account.forget_what_left(now)
            account.changed_at = now
            taken += [Posting(key, account.period_seconds, *entry) for entry in account.unposted.items()]
            account.unposted.clear()
        return taken


def commands(postings: Iterable[Posting], redis_time: Callable[[float], int], stamp: int) -> list[bytes]:
    """What posts them: three commands each, the increment first. `redis_time` is of a monotonic second."""
    made: list[bytes] = []
    for key, period, bucket, units in postings:
        ended = redis_time((bucket + 1) * period / SUB_INTERVALS)
        number = window.sub_interval(min(ended, stamp), period)
        lifetime = window.key_lifetime_ms(period)
        made += [
            pack(("HINCRBY", key, number, units)),
            pack(("HINCRBY", key, window.BACKFILLED, units)),
            pack(("PEXPIRE", key, lifetime)),
        ]
    return made
