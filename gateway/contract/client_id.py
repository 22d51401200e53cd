"""From an API key to a client id. A raw key goes no further than this module's arguments."""

import hashlib
import re
from functools import lru_cache

MAX_KEY_LENGTH = 256
UNKNOWN_PREFIX = "k_"
DEFAULT_SECRET = "operator-ratelimiter"  # noqa: S105 - stands in where none is set; nodes warn of it

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)
_KEY = re.compile(rf"[!-~]{{1,{MAX_KEY_LENGTH}}}", re.ASCII)
_UNKNOWN = re.compile(r"k_[0-9a-f]{16}", re.ASCII)


def unknown_client_id(key: str, secret: str) -> str:
    """The id of a client that is not registered: ``k_`` and 16 hex digits of a keyed BLAKE2b digest.

    `secret` is cut to BLAKE2b's longest key by hashing it first, so any length will do.
    """
    digest = hashlib.blake2b(key.encode(), key=_digest_key(secret), digest_size=8)
    return UNKNOWN_PREFIX + digest.hexdigest()


@lru_cache(maxsize=4)
def _digest_key(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=64).digest()


def key_digest(key: str) -> str:
    """SHA-256 of a key in hex, as ``printf %s KEY | sha256sum`` prints it: what a clients file may hold."""
    return hashlib.sha256(key.encode()).hexdigest()


def is_registered_name(text: str) -> bool:
    """Whether `text` may name a registered client (and cannot be taken for an unregistered one's id)."""
    return _NAME.fullmatch(text) is not None and not text.startswith(UNKNOWN_PREFIX)


def is_client_id(text: str) -> bool:
    """Whether `text` has the form of any client's id."""
    return _UNKNOWN.fullmatch(text) is not None or is_registered_name(text)


def is_usable_key(key: str) -> bool:
    """Whether `key` is 1 to 256 visible ASCII characters (RFC 9110 §5.5, VCHAR)."""
    return _KEY.fullmatch(key) is not None
