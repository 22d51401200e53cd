"""The field ``Date`` of answers (RFC 9110 §6.6.1). No IO."""

from email.utils import formatdate
from functools import lru_cache

from gateway.fields import Field


def date_field(now: float) -> Field:
    """What says that it is `now`, in seconds since 1970."""
    return _date(int(now))


def date_line(now: float) -> bytes:
    """The same as a line."""
    return _line(int(now))


@lru_cache(maxsize=2)
def _line(second: int) -> bytes:
    return b"%b: %b\r\n" % _date(second)


@lru_cache(maxsize=2)
def _date(second: int) -> Field:
    return b"Date", formatdate(second, usegmt=True).encode()
