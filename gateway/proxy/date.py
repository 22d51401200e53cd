"""The field ``Date`` of answers (RFC 9110 §6.6.1). No IO."""

from email.utils import formatdate
from functools import lru_cache

from gateway.fields import Field, Fields
from gateway.proxy.field_lines import values_of


def date_beside(fields: Fields, now: float) -> Fields:
    """The Date that an answer with these fields lacks at `now`, in seconds since 1970, if it lacks one."""
    return [] if values_of(fields, b"date") else [_date(int(now))]


@lru_cache(maxsize=2)
def _date(second: int) -> Field:
    return b"Date", formatdate(second, usegmt=True).encode()
