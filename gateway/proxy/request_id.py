"""The id by which a request is found again: in answers, at the upstream, and in the log. No IO."""

import re
from collections.abc import Callable

from gateway.fields import Field, RawHeaders
from gateway.proxy.field_lines import values_of

FIELD = b"X-Request-Id"

_FIELD = FIELD.lower()
_ID_BYTES = 16
_IDS_AT_ONCE = 256
# Letters, digits, and what UUIDs, base64 and paths of ids are written with: nothing that a log, a shell or a
# page would read as anything but text.
_SAFE = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")


def request_id_in(fields: RawHeaders) -> str | None:
    """The one ``X-Request-Id`` that was sent, if it is 1 to 128 safe characters."""
    sent = values_of(fields, _FIELD)
    if len(sent) != 1 or _SAFE.fullmatch(sent[0]) is None:
        return None
    return sent[0].decode("ascii")


def id_field(request_id: str) -> Field:
    """The field that tells it, to the service behind and to the client."""
    return FIELD, request_id.encode("ascii")


def id_line(request_id: str) -> bytes:
    """The same as a line."""
    return b"X-Request-Id: %b\r\n" % request_id.encode("ascii")


class RequestIds:
    """Takes ids over from those who may name requests, and makes the others: 32 random hex digits.

    Random numbers are drawn for many ids at once: a system call for each is what would cost most.
    """

    def __init__(self, draw: Callable[[int], bytes]) -> None:
        """`draw` gives so many random bytes."""
        self._draw = draw
        self._random = b""
        self._used = 0

    def id_of(self, fields: RawHeaders, *, believed: bool) -> str:
        """The id of a request with these fields, whose sender is `believed` or not."""
        given = request_id_in(fields) if believed else None
        return given or self.new()

    def new(self) -> str:
        """One that nobody has had, on any node."""
        start = self._used
        if start == len(self._random):
            self._random, start = self._draw(_ID_BYTES * _IDS_AT_ONCE), 0
        self._used = start + _ID_BYTES
        return self._random[start : self._used].hex()
