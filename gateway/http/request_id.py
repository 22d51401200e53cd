"""Request ids: in responses, in requests to the upstream, and in logs."""

import re
from collections.abc import Callable

from gateway.http.fields import Field, RawHeaders, field_values

FIELD = b"X-Request-Id"

_FIELD = FIELD.lower()
_ID_BYTES = 16
_IDS_AT_ONCE = 256
# Letters, digits, and the signs of UUIDs, base64 and paths: all are plain text in a log, a shell and a page.
_SAFE = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")


def request_id_in(fields: RawHeaders) -> str | None:
    """The one ``X-Request-Id`` that was sent, if it is 1 to 128 safe characters."""
    sent = field_values(fields, _FIELD)
    if len(sent) != 1 or _SAFE.fullmatch(sent[0]) is None:
        return None
    return sent[0].decode("ascii")


def id_field(request_id: str) -> Field:
    """The field with the id, for the upstream and the client."""
    return FIELD, request_id.encode("ascii")


def id_line(request_id: str) -> bytes:
    """The same as a line of a head."""
    return b"X-Request-Id: %b\r\n" % request_id.encode("ascii")


class RequestIds:
    """Takes the ids that trusted proxies have given, and generates others: 32 random hex digits.

    Random bytes are drawn for many ids at once, since a system call for each would be the largest cost.
    """

    def __init__(self, draw: Callable[[int], bytes]) -> None:
        """`draw` returns that many random bytes."""
        self._draw = draw
        self._random = b""
        self._used = 0

    def id_of(self, fields: RawHeaders, *, believed: bool) -> str:
        """The id of a request with these fields, from a peer that is `believed` or not."""
        given = request_id_in(fields) if believed else None
        return given or self.new()

    def new(self) -> str:
        """A new id, unique over all nodes."""
        start = self._used
        if start == len(self._random):
            self._random, start = self._draw(_ID_BYTES * _IDS_AT_ONCE), 0
        self._used = start + _ID_BYTES
        return self._random[start : self._used].hex()
