"""Header fields: grammar, lists, hosts, and which fields are for one hop only (RFC 9110 §5, §7.6.1)."""

import re
from collections.abc import Iterable
from ipaddress import IPv6Address

Field = tuple[bytes, bytes]
Fields = list[Field]
RawHeaders = Iterable[Field]
Version = tuple[int, int]
"""Major and minor version of HTTP."""


def render_fields(fields: RawHeaders) -> bytes:
    """Fields as lines of a head."""
    return b"".join([b"%b: %b\r\n" % field for field in fields])


# RFC 3986 §3.2.2, without escapes and without the signs that some recipients split a host at
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]+|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{1,5}))?")
_MAX_PORT = 65535


def is_host(value: bytes) -> bool:
    """Whether a value is one host, by name or address, with or without a port."""
    match = _HOST.fullmatch(value)
    if match is None or int(match[2] or b"0") > _MAX_PORT:
        return False
    return match[1] is None or _is_ipv6(match[1])


def _is_ipv6(value: bytes) -> bool:
    try:
        IPv6Address(value.decode("ascii"))
    except ValueError:
        return False
    return True


# RFC 9110 §5.6.2 and §5.6.4
TOKEN_PATTERN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
QUOTED_PATTERN = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'

TOKEN = re.compile(TOKEN_PATTERN)

_INVALID = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n|\n[ \t]")


class FieldError(ValueError):
    """A malformed field line (RFC 9112 §5.1)."""


def invalid_bytes(head: bytes, start: int = 0) -> bytes | None:
    """The first bytes that no head may hold: a control, CR or LF by itself, or a folded line.

    A CR at the very end is valid so far: its LF may follow.
    """
    found = _INVALID.search(head, start)
    if found is None or (found[0] == b"\r" and found.end() == len(head)):
        return None
    return found[0]


def parse_field_line(line: bytes) -> tuple[bytes, bytes]:
    """Name and value, without the space around the value.

    Raises:
        FieldError: the line is malformed.
    """
    name, colon, value = line.partition(b":")
    if not colon or TOKEN.fullmatch(name) is None:
        raise FieldError
    return name, value.strip(b" \t")


def field_values(fields: RawHeaders, wanted: bytes) -> list[bytes]:
    """The values of all lines of a field; `wanted` is its name in lower case."""
    return [value for name, value in fields if name.lower() == wanted]


def list_elements(values: list[bytes]) -> list[bytes]:
    """The elements of a list of tokens (RFC 9110 §5.6.1), in lower case."""
    parts = (element.strip(b" \t").lower() for value in values for element in value.split(b","))
    return [part for part in parts if part]


HOP_BY_HOP = frozenset(
    {
        # RFC 9110 §7.6.1
        b"connection",
        b"proxy-connection",
        b"keep-alive",
        b"te",
        b"transfer-encoding",
        b"upgrade",
        # RFC 9110 §11.7: between a client and its nearest proxy
        b"proxy-authenticate",
        b"proxy-authorization",
        # RFC 9110 §6.6.2: announces trailers, which are not forwarded
        b"trailer",
    }
)
CLOSE: Fields = [(b"Connection", b"close")]
"""The connection closes after this response (RFC 9112 §9.6)."""

CHUNKED = b"Transfer-Encoding", b"chunked"
"""The content is chunked (RFC 9112 §6.1)."""

NOT_RELAYED = HOP_BY_HOP | {b"x-request-id"}
"""Fields of upstream responses that are not relayed, besides those that Connection nominates."""

_NEVER_NOMINATED = frozenset({b"host", b"content-length"})
"""A client that nominated these would change the meaning of the message; they are forwarded."""


def nominated(fields: RawHeaders) -> frozenset[bytes]:
    """The fields that ``Connection`` makes hop-by-hop (RFC 9110 §7.6.1), in lower case."""
    return frozenset(list_elements(field_values(fields, b"connection"))) - _NEVER_NOMINATED


def end_to_end(fields: RawHeaders, dropped: frozenset[bytes] = HOP_BY_HOP) -> Fields:
    """The fields that an intermediary forwards, in order and unchanged."""
    fields = tuple(fields)
    named = nominated(fields)
    if named:
        dropped |= named
    return [field for field in fields if field[0].lower() not in dropped]


def is_bearer(credentials: bytes) -> bool:
    """Whether a value of ``Authorization`` has the scheme Bearer (RFC 9110 §11.4: in any case)."""
    return credentials.replace(b"\t", b" ").partition(b" ")[0].lower() == b"bearer"
