"""Requests that went through, held against the limits of their clients: decided without IO."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.contract.limits import Limit


@dataclass(frozen=True, slots=True)
class Passage:
    """One request that reached the upstream: when its client sent it, and when it arrived."""

    sent: float  # seconds since 1970; at the latest `at`
    at: float
    key: str  # the digest of its API key


def by_key(passages: Iterable[Passage], keys: Iterable[str]) -> dict[str, list[Passage]]:
    """Those of each of these keys."""
    found: dict[str, list[Passage]] = {key: [] for key in keys}
    for passage in passages:
        if passage.key in found:
            found[passage.key].append(passage)
    return found


def largest_in_window(passages: Iterable[Passage], period_seconds: float) -> int:
    """The most requests that were sent and arrived within one window of the period, whatever its alignment.

    Redis counted each between these two times; so more than the limit here are more than the limit there.
    It finds all that "arrivals in any window of W less the longest transit" finds, and more, since each
    request is held to its own transit. Two requests exactly a period apart share no window.
    """
    largest = 0
    arrived: list[float] = []  # of all that were sent at or after the window's start
    for passage in sorted(passages, key=lambda passage: passage.sent, reverse=True):
        insort(arrived, passage.at)
        largest = max(largest, bisect_left(arrived, passage.sent + period_seconds))
    return largest


def most_in_window(passages: Iterable[Passage], period_seconds: float) -> int:
    """The most requests that Redis can have counted within one window of the period: all that were sent
    before its end and arrived after its start."""
    listed = list(passages)
    begins = sorted(passage.sent - period_seconds for passage in listed)
    ends = sorted(passage.at for passage in listed)
    return max((number - bisect_left(ends, at) for number, at in enumerate(begins, 1)), default=0)


@dataclass(frozen=True, slots=True)
class Busiest:
    """How near its limit the client came that came nearest."""

    key: str
    largest: int
    limit: Limit

    @property
    def ratio(self) -> float:
        """Of its limit."""
        return self.largest / self.limit.quota

    @property
    def is_kept(self) -> bool:
        """Whether the limit held."""
        return self.largest <= self.limit.quota


def nearest(found: Iterable[Busiest | None]) -> Busiest | None:
    """Of several the one nearest to (or most over) its limit; None where there is none."""
    return max(filter(None, found), key=lambda client: client.ratio, default=None)


def busiest(passages: Iterable[Passage], limit_by_key: Mapping[str, Limit]) -> Busiest | None:
    """The client whose fullest window is nearest to (or most over) its limit; None if nothing arrived.

    Keys that have no limit there are left out: those that are used once.
    """
    return nearest(
        Busiest(key, largest_in_window(of_key, limit_by_key[key].period_seconds), limit_by_key[key])
        for key, of_key in by_key(passages, limit_by_key).items()
        if of_key
    )
