"""Lines of fields, as in the heads of requests and answers and after the last chunk (RFC 9112 §5). No IO."""

import re

from gateway.fields import RawHeaders

# RFC 9110 §5.6.2 and §5.6.4
TOKEN_PATTERN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
QUOTED_PATTERN = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'

TOKEN = re.compile(TOKEN_PATTERN)

_NOT_IN_A_HEAD = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n|\n[ \t]")


class FieldError(ValueError):
    """A field line that is none (RFC 9112 §5.1)."""


def fault_in(head: bytes, start: int = 0) -> bytes | None:
    """The first bytes that no head may hold: a control, CR or LF by itself, or a folded line.

    Of a head that is not whole its last CR is no fault yet.
    """
    found = _NOT_IN_A_HEAD.search(head, start)
    if found is None or (found[0] == b"\r" and found.end() == len(head)):
        return None
    return found[0]


def parse_field_line(line: bytes) -> tuple[bytes, bytes]:
    """Name and value, without the space around the value.

    Raises:
        FieldError: it is no field line.
    """
    name, colon, value = line.partition(b":")
    if not colon or TOKEN.fullmatch(name) is None:
        raise FieldError
    return name, value.strip(b" \t")


def values_of(fields: RawHeaders, wanted: bytes) -> list[bytes]:
    """The values of all lines of a field; `wanted` is its name in lower case."""
    return [value for name, value in fields if name.lower() == wanted]


def elements_of(values: list[bytes]) -> list[bytes]:
    """The elements of a list of tokens (RFC 9110 §5.6.1), in lower case."""
    parts = (element.strip(b" \t").lower() for value in values for element in value.split(b","))
    return [part for part in parts if part]
