"""Identifies the client of a request by its API key or its address, and bounds how many keys it may guess."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf
from typing import Final

from gateway.access import Address, address_of
from gateway.contract import client_id
from gateway.contract.clients import Clients
from gateway.contract.limits import Limit
from gateway.http.fields import RawHeaders, is_bearer

KEY_HEADER = "X-API-Key"
_AUTHORIZATION = b"authorization"
_BEARER = b"bearer"

_REFRESH_SECONDS: Final = 60.0
_ACCEPTED_SECONDS: Final = 3600.0 + _REFRESH_SECONDS
"""How long a key that was accepted from an address is looked up there while the address is limited."""

MAX_ADDRESSES: Final = 16384
MAX_ACCEPTED: Final = 65536
"""Above these, the oldest entries are dropped."""


class UnauthenticatedError(Exception):
    """The request has no usable key. The message is for the client and does not repeat what it sent."""


class UnknownKeyError(UnauthenticatedError):
    """No client is registered with the key."""


class TooManyUnknownKeysError(UnauthenticatedError):
    """The address has sent too many unknown keys; this key was not looked up."""

    def __init__(self, retry_seconds: int) -> None:
        super().__init__("Too many unknown API keys came from this address; try again later.")
        self.retry_seconds = retry_seconds


@dataclass(frozen=True, slots=True)
class Credential:
    """The client that a request was identified as."""

    client: str
    valid_until: float = inf
    """Wall clock time until which the identification may be reused without another look-up."""


SentKey = str | None | UnauthenticatedError
"""A well-formed key, no key, or the error in what was sent."""


class Identity:
    """Identifies clients by their keys, or by their addresses where anonymous clients are accepted."""

    def __init__(
        self,
        clients: Clients,
        *,
        accepts_unknown: bool,
        secret: str,
        accepts_anonymous: bool = False,
        key_header: str = KEY_HEADER,
    ) -> None:
        self.accepts_anonymous = accepts_anonymous
        """Whether a request without a key is identified by its address."""
        self._clients = clients
        self.accepts_unknown = accepts_unknown
        """Whether an unregistered key is a client of its own."""
        self._secret = secret
        self.key_header = key_header
        """The header that holds a key."""

    def sent_key(self, headers: RawHeaders) -> SentKey:
        """The API key in these header fields."""
        try:
            return extract_key(headers, self.key_header)
        except UnauthenticatedError as reason:
            return reason

    def authenticate(self, key: SentKey, address: Address | None) -> Credential:
        """Identify the client of a request by its key, or by its address.

        Raises:
            UnauthenticatedError: a key is required, or it is malformed or unknown.
        """
        if isinstance(key, str):
            name = self._clients.identify(key) if self._clients.name_by_digest else None
            if name is not None:
                return Credential(name)
            if self.accepts_unknown:
                return Credential(client_id.unknown_client_id(key, self._secret))
            raise UnknownKeyError("The API key is not known.")
        if key is not None:
            raise key
        if address is None or not self.accepts_anonymous:
            raise UnauthenticatedError(
                f"An API key is needed: send {self.key_header}, or Authorization: Bearer."
            )
        return Credential(client_id.address_id(address))


def extract_key(headers: RawHeaders, key_header: str = KEY_HEADER) -> str | None:
    """The API key of a request: in `key_header`, ``Authorization: Bearer`` (RFC 6750 §2.1), or both alike.

    None if neither header is present.

    Raises:
        UnauthenticatedError: it is malformed, or there is more than one.
    """
    field = key_header.lower().encode()
    sent: list[bytes] = []
    bearers: list[bytes] = []
    for name, value in headers:
        lowered = name.lower()
        if lowered == field:
            sent.append(value)
        elif lowered == _AUTHORIZATION and is_bearer(value):
            bearers.append(value[len(_BEARER) :].strip())
    if len(sent) > 1 or len(bearers) > 1:
        raise UnauthenticatedError("More than one API key was sent.")
    keys = set(sent + bearers)
    if not keys:
        return None
    if len(keys) > 1:
        raise UnauthenticatedError(f"{key_header} and Authorization hold different keys.")
    key = keys.pop().decode("latin-1")
    if not client_id.is_usable_key(key):
        raise UnauthenticatedError(f"An API key is 1 to {client_id.MAX_KEY_LENGTH} visible ASCII characters.")
    return key


class UnknownKeyLimiter:
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
            TooManyUnknownKeysError: the key must not be looked up.
        """
        if not self._counts:
            return
        address = _address_id(peer)
        used = self._used(address, now)
        if used < self._quota or now - self._accepted.get(hash((address, key)), -inf) < _ACCEPTED_SECONDS:
            return
        left_seconds = self._period_seconds - now % self._period_seconds
        raise TooManyUnknownKeysError(ceil(left_seconds + self._period_seconds / self._quota))

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
    return peer if address is None else client_id.address_id(address)
