"""From an API key, or where there is none from an address, to a client id.

A raw key goes no further than this module's arguments.
"""

import hashlib
import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

MAX_KEY_LENGTH = 256
UNKNOWN_PREFIX = "k_"
DEFAULT_SECRET = "operator-ratelimiter"  # noqa: S105 - stands in where none is set; nodes warn of it
SITE_PREFIX = 64
"""What one customer has of IPv6 at least (RFC 6177), and can change addresses in at will."""

_NAT64 = IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48")  # RFC 6052 §2.1, RFC 8215
_MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291 §2.5.5.2
_TEREDO = IPv6Network("2001::/32")
_6TO4 = IPv6Network("2002::/16")
_LOW_32_BITS = 0xFFFFFFFF

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)
_KEY = re.compile(rf"[!-~]{{1,{MAX_KEY_LENGTH}}}", re.ASCII)
_UNKNOWN = re.compile(r"k_[0-9a-f]{16}", re.ASCII)
_MAY_BE_ADDRESS = re.compile(r"[0-9.]{7,15}|[0-9a-f:]{2,39}/64", re.ASCII)


def unknown_client_id(key: str, secret: str) -> str:
    """The id of a client that is not registered: ``k_`` and 16 hex digits of a keyed BLAKE2b digest.

    `secret` is cut to BLAKE2b's longest key by hashing it first, so any length will do.
    """
    digest = _keyed_digest(secret).copy()
    digest.update(key.encode())
    return UNKNOWN_PREFIX + digest.hexdigest()


@lru_cache(maxsize=4)
def _keyed_digest(secret: str) -> "hashlib.blake2b":
    key = hashlib.blake2b(secret.encode(), digest_size=64).digest()
    return hashlib.blake2b(key=key, digest_size=8)


def address_id(address: IPv4Address | IPv6Address) -> str:
    """The id of whoever sends from an address without a key: that address, or of IPv6 the site it is in."""
    if isinstance(address, IPv4Address):
        return str(address)
    embedded = _embedded_ipv4(address)
    return str(IPv6Network((address, SITE_PREFIX), strict=False) if embedded is None else embedded)


def _embedded_ipv4(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address of a host that reaches the node by a transition mechanism; None for others.

    By NAT64 and Teredo hosts of unrelated networks share a /64, and by 6to4 one IPv4 address has 65,536 of
    them. NAT64's own prefix for networks (RFC 8215) is read as /96, as operators use it (RFC 6052 §3.3).
    """
    number = int(address)
    if any(address in prefix for prefix in _NAT64) or address in _MAPPED:
        return IPv4Address(number & _LOW_32_BITS)
    if address in _TEREDO:
        return IPv4Address(~number & _LOW_32_BITS)  # RFC 4380 §4
    if address in _6TO4:
        return IPv4Address(number >> 80 & _LOW_32_BITS)  # RFC 3056 §2
    return None


def is_address_id(text: str) -> bool:
    """Whether `text` is an id of that kind, as it is written there."""
    if not _MAY_BE_ADDRESS.fullmatch(text):
        return False
    try:
        network = ip_network(text)
    except ValueError:
        return False
    return address_id(network.network_address) == text


def key_digest(key: str) -> str:
    """SHA-256 of a key in hex, as ``printf %s KEY | sha256sum`` prints it: what a clients file may hold."""
    return hashlib.sha256(key.encode()).hexdigest()


def is_registered_name(text: str) -> bool:
    """Whether `text` may name a registered client (and cannot be taken for an unregistered one's id)."""
    if _NAME.fullmatch(text) is None or text.startswith(UNKNOWN_PREFIX):
        return False
    return not is_address_id(text)


def is_client_id(text: str) -> bool:
    """Whether `text` has the form of any client's id."""
    return _UNKNOWN.fullmatch(text) is not None or is_registered_name(text) or is_address_id(text)


def is_usable_key(key: str) -> bool:
    """Whether `key` is 1 to 256 visible ASCII characters (RFC 9110 §5.5, VCHAR)."""
    return _KEY.fullmatch(key) is not None
