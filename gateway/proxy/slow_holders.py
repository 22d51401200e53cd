"""Which request gives its place at a full upstream to another: the slowest, if its client is too slow.

Otherwise a few clients that send or read slowly could take all places. While half of the places or more are
taken, the progress of each client that a request waits for is sampled once a second.
"""

import asyncio
import sys
from collections import Counter
from typing import Protocol

from gateway.clock import monotonic

WINDOW_SECONDS = 5.0
"""Over which the rate of a client is measured."""

SAMPLE_SECONDS = 1.0


class PlaceHolder(Protocol):
    """A request that has a place at an upstream."""

    client_id: str
    """Empty for a request of no client."""

    @property
    def client_address(self) -> str:
        """The address of its client."""

    def client_progress(self) -> int | None:
        """Bytes that its client has sent and received; None while the request does not wait for them."""

    def give_way(self) -> None:
        """End the request, so that its place is free."""


class SlowHolders:
    """The requests that have a place at one address of an upstream."""

    def __init__(self, places: int, min_bytes_per_second: float) -> None:
        """`places` of the address; at a rate of 0 no request gives way."""
        self._min_bytes_per_second = min_bytes_per_second
        self._sampled_from = (places + 1) // 2 if min_bytes_per_second else sys.maxsize
        self._holders: dict[PlaceHolder, None] = {}
        self._samples: dict[PlaceHolder, list[tuple[float, int]]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, holder: PlaceHolder) -> None:
        """A request has a place."""
        self._holders[holder] = None
        if len(self._holders) >= self._sampled_from and self._timer is None:
            self._sample()

    def remove(self, holder: PlaceHolder) -> None:
        """A request has no place any more."""
        self._holders.pop(holder, None)
        if self._samples:
            self._samples.pop(holder, None)

    def make_room(self, newcomer: PlaceHolder) -> bool:
        """End the slowest request of a client that is too slow and holds more than the newcomer's: whether.

        A request without a client id is its address'. An address holds more also by requests of several ids.
        """
        slow = self._slow(monotonic())
        if not slow:
            return False
        owners = Counter(holder.client_id or holder.client_address for holder in self._holders)
        addresses = Counter(holder.client_address for holder in self._holders)
        for _, holder in slow:
            owned = owners[holder.client_id or holder.client_address]
            has_more = owned > owners[newcomer.client_id or newcomer.client_address]
            if has_more or addresses[holder.client_address] > addresses[newcomer.client_address]:
                self.remove(holder)
                holder.give_way()
                return True
        return False

    def stop(self) -> None:
        """Sample no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _slow(self, now: float) -> list[tuple[float, PlaceHolder]]:
        """The holders whose client is too slow, with its rate, the slowest first."""
        found: list[tuple[float, PlaceHolder]] = []
        for holder, samples in self._samples.items():
            at, before = samples[0]
            progress = holder.client_progress()
            if progress is None or now - at < WINDOW_SECONDS:
                continue
            rate = (progress - before) / (now - at)
            if rate < self._min_bytes_per_second:
                found.append((rate, holder))
        return sorted(found, key=_rate)

    def _sample(self) -> None:
        self._timer = None
        if len(self._holders) < self._sampled_from:
            self._samples.clear()
            return
        now = monotonic()
        for holder in self._holders:
            progress = holder.client_progress()
            if progress is None:
                self._samples.pop(holder, None)
                continue
            samples = self._samples.setdefault(holder, [])
            samples.append((now, progress))
            while len(samples) > 1 and samples[1][0] <= now - WINDOW_SECONDS:
                del samples[0]
        self._timer = asyncio.get_running_loop().call_later(SAMPLE_SECONDS, self._sample)


def _rate(found: tuple[float, PlaceHolder]) -> float:
    return found[0]
