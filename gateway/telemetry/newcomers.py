"""Which clients are here for the first time: two Bloom filters (Bloom 1970), of which the older is forgotten.

A filter of 2²³ bits, of which each client takes three, is full with 2¹⁹ clients: then one in two hundred
newcomers passes for somebody known. It becomes the older one, and the next begins. So half a million clients
are remembered at least, and a million at most, in two megabytes, of which only what is touched is used.
"""

from collections.abc import Iterable

_BYTES = 1 << 20
_CLIENTS = 1 << 19
_PLACE = 8 * _BYTES - 1


class Newcomers:
    """Remembers everybody whom it is asked about."""

    def __init__(self) -> None:
        self._filter = bytearray(_BYTES)
        self._older = bytearray(_BYTES)
        self._clients = 0
        self._seen = 0

    @property
    def seen(self) -> int:
        """How many there have been so far."""
        return self._seen

    def among(self, clients: Iterable[str]) -> list[str]:
        """Those of them who are here for the first time, as far as is remembered."""
        found = [client for client in clients if self._is_new(client)]
        self._seen += len(found)
        return found

    def _is_new(self, client: str) -> bool:
        value = hash(client)
        places = (value & _PLACE, value >> 20 & _PLACE, value >> 40 & _PLACE)
        if _holds(self._filter, places):
            return False
        if self._clients >= _CLIENTS:
            self._filter, self._older = bytearray(_BYTES), self._filter
            self._clients = 0
        for place in places:
            self._filter[place >> 3] |= 1 << (place & 7)
        self._clients += 1
        return not _holds(self._older, places)


def _holds(bits: bytearray, places: tuple[int, int, int]) -> bool:
    first, second, third = places
    return bool(
        bits[first >> 3] >> (first & 7)
        & bits[second >> 3] >> (second & 7)
        & bits[third >> 3] >> (third & 7)
        & 1
    )
