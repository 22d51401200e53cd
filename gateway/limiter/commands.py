"""Commands to Redis as the bytes that they are on the wire (RESP2)."""

from collections.abc import Callable
from typing import cast

import hiredis

Command = tuple[str | int, ...]

pack = cast(Callable[[Command], bytes], hiredis.pack_command)  # its stub knows tuples of one only

TIME = pack(("TIME",))

_REMEMBERED = 1000


def word(value: str | int) -> bytes:
    """One word of a command."""
    encoded = str(value).encode()
    return b"$%d\r\n%b\r\n" % (len(encoded), encoded)


class Words(dict[int, bytes]):
    """Small numbers as words."""

    def __missing__(self, number: int) -> bytes:
        """Not asked for before."""
        made = word(number)
        if 0 <= number < _REMEMBERED:
            self[number] = made
        return made
