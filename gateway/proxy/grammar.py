"""Messages that aiohttp's parser lets pass and a gateway must not: another could read them differently.

No IO.
"""

import re

from gateway.fields import RawHeaders
from gateway.replies import Problem

_SPOKEN = frozenset({(1, 0), (1, 1)})
_NOT_SERVED = frozenset({"CONNECT", "TRACE"})
# RFC 9110 §7.2, without the comma that RFC 3986 would allow: to a list's reader it would be two hosts
_HOST = re.compile(rb"([A-Za-z0-9._~!$&'()*+;=%-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?")
_AUTHORITY = re.compile(rb"[a-z][a-z0-9+.-]*://([^/?#]*)", re.IGNORECASE)


class Malformed(Problem):
    """A request that is refused for its form, before anything else is known of it."""


def check_request(method: str, target: bytes, version: tuple[int, int], fields: RawHeaders) -> None:
    """Let a request pass, or say why not.

    Raises:
        Malformed: with the status that fits.
    """
    fields = tuple(fields)
    if version not in _SPOKEN:
        raise Malformed(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    if method in _NOT_SERVED:
        raise Malformed(501, f"{method} is not supported.")
    codings = _values(fields, b"transfer-encoding")
    if codings and version == (1, 0):
        # RFC 9112 §6.1: its framing is faulty, whatever the field says
        raise Malformed(400, "HTTP/1.0 has no Transfer-Encoding.")
    if codings and not _is_chunked(codings):
        raise Malformed(501, "The only transfer coding known here is chunked.")
    hosts = _values(fields, b"host")
    if len(hosts) > 1 or not all(_HOST.fullmatch(host) for host in hosts):
        # RFC 9112 §3.2
        raise Malformed(400, "Host is not one host with or without a port.")
    absolute = _AUTHORITY.match(target)
    if absolute is not None and [absolute[1].lower()] != [host.lower() for host in hosts]:
        # RFC 9112 §3.2.2 puts the target before Host, and not every server does
        raise Malformed(400, "The request target and Host name different hosts.")


def _values(fields: RawHeaders, wanted: bytes) -> list[bytes]:
    return [value for name, value in fields if name.lower() == wanted]


def _is_chunked(codings: list[bytes]) -> bool:
    return [coding.strip(b" \t").lower() for coding in codings] == [b"chunked"]
