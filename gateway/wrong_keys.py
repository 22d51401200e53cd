"""The bound on guessing API keys: how many unknown keys an address may send. No I/O."""

from functools import lru_cache
from math import ceil, inf
from typing import Final

from gateway.addresses import address_of
from gateway.contract.client_id import address_id
from gateway.contract.limits import Limit
from gateway.identity import Unidentified

_REFRESH_SECONDS: Final = 60.0
_ACCEPTED_SECONDS: Final = 3600.0 + _REFRESH_SECONDS
"""How long a key that was accepted from an address is looked up there while the address is limited."""

MAX_ADDRESSES: Final = 16384
MAX_ACCEPTED: Final = 65536
"""Above these, the oldest entries are dropped."""


class WrongKeysLimited(Unidentified):
    """The address has sent too many unknown keys; this key was not looked up."""

    def __init__(self, retry_seconds: int) -> None:
        super().__init__("Too many unknown API keys came from this address; try again later.")
        self.retry_seconds = retry_seconds


class WrongKeys:
    """Counts unknown keys by address, and knows which keys were accepted from which address.

    An address at the limit gets the same response for a right guess and a wrong one, since neither is looked
    up. Keys that were accepted from the address within the last hour still are, so that clients behind the
    same NAT go on. IPv6 is counted by /64. Keys are kept as 64 bits of SipHash, whose key is the process'.

    The count is a sliding window counter: that of the current interval and, weighted by the part of it that
    the window still covers, that of the interval before.
    """

    def __init__(self, limit: Limit) -> None:
        self._quota = limit.quota
        self._period_seconds = float(limit.period_seconds)
        self._counts: dict[str, tuple[int, int, int]] = {}
        """By address: the interval, its count, and the count of the interval before."""
        self._accepted: dict[int, float] = {}
        """By hash of address and key: when the key was accepted last."""

    def check(self, peer: str, key: str, now: float) -> None:
        """Call before a key from the address `peer` is looked up, at monotonic `now`.

        Raises:
            WrongKeysLimited: the key must not be looked up.
        """
        if not self._counts:
            return
        address = _address_id(peer)
        used = self._used(address, now)
        if used < self._quota or now - self._accepted.get(hash((address, key)), -inf) < _ACCEPTED_SECONDS:
            return
        left_seconds = self._period_seconds - now % self._period_seconds
        raise WrongKeysLimited(ceil(left_seconds + self._period_seconds / self._quota))

    def count(self, peer: str, now: float) -> None:
        """A key from the address `peer` is unknown."""
        address = _address_id(peer)
        interval = int(now // self._period_seconds)
        current, before = self._in(address, interval)
        self._counts.pop(address, None)
        if len(self._counts) >= MAX_ADDRESSES:
            del self._counts[next(iter(self._counts))]
        self._counts[address] = interval, current + 1, before

    def accept(self, peer: str, key: str, now: float) -> None:
        """A key from the address `peer` is a client's. A hot path."""
        pair = hash((_address_id(peer), key))
        if now - self._accepted.get(pair, -inf) < _REFRESH_SECONDS:
            return
        self._accepted.pop(pair, None)
        if len(self._accepted) >= MAX_ACCEPTED:
            del self._accepted[next(iter(self._accepted))]
        self._accepted[pair] = now

    def _used(self, address: str, now: float) -> float:
        interval, part = divmod(now, self._period_seconds)
        current, before = self._in(address, int(interval))
        return current + before * (1 - part / self._period_seconds)

    def _in(self, address: str, interval: int) -> tuple[int, int]:
        """The counts of this interval and the one before."""
        last, current, before = self._counts.get(address, (interval, 0, 0))
        if last == interval:
            return current, before
        return 0, current if last == interval - 1 else 0


@lru_cache(maxsize=4096)
def _address_id(peer: str) -> str:
    address = address_of(peer)
    return peer if address is None else address_id(address)
