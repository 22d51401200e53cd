"""The field ``Date`` of answers (RFC 9110 §6.6.1). No IO."""

from email.utils import formatdate
from functools import lru_cache


def date_line(now: float) -> bytes:
    """The line that says that it is `now`, in seconds since 1970."""
    return _line(int(now))


@lru_cache(maxsize=2)
def _line(second: int) -> bytes:
    return b"Date: %b\r\n" % formatdate(second, usegmt=True).encode()
