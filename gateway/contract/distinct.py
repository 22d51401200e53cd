"""How many different clients: a sketch of the k smallest digests (Bar-Yossef et al. 2002), exact up to k.

Sketches of several nodes merge by taking the k smallest of their union, so that a client that uses all
nodes counts once. With k = 64 the standard error is 13 %.
"""

import hashlib
import re
from collections.abc import Iterable

SIZE = 64
_DIGEST_BYTES = 6
_SPACE = 1 << 8 * _DIGEST_BYTES
_BEYOND = "g"  # sorts behind all digests
_DIGEST = re.compile(rf"[0-9a-f]{{{2 * _DIGEST_BYTES}}}", re.ASCII)


def digest(client_id: str) -> str:
    """A client's place in the sketch, in hex."""
    return hashlib.blake2b(client_id.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def add(sketch: tuple[str, ...], client_ids: Iterable[str]) -> tuple[str, ...]:
    """The sketch with more clients, who mostly change nothing of it."""
    largest = sketch[-1] if len(sketch) == SIZE else _BEYOND
    smaller = {place for place in map(digest, client_ids) if place < largest}
    return tuple(sorted(smaller.union(sketch))[:SIZE]) if smaller else sketch


def merge(sketches: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """The sketch of the union. What is no digest is left out: it would not sort by its value."""
    digests = {entry for sketch in sketches for entry in sketch if _DIGEST.fullmatch(entry)}
    return tuple(sorted(digests)[:SIZE])


def estimate(sketch: tuple[str, ...]) -> int:
    """The number of different clients in a sketch that `merge` made."""
    if len(sketch) < SIZE:
        return len(sketch)
    return round((SIZE - 1) * _SPACE / max(1, int(sketch[-1], 16)))
