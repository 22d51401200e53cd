"""The field ``Forwarded`` (RFC 7239 §4), read strictly. No IO."""

import re
from collections.abc import Mapping, Sequence

from gateway.fields import Field
from gateway.proxy.field_lines import QUOTED_PATTERN, TOKEN, TOKEN_PATTERN

# The space around ";" is not in the RFC's grammar, but in what some proxies write.
_PAIR = re.compile(
    rb"[ \t]*+(?:(%b)=(%b|%b)[ \t]*+)?([;,]|\Z)" % (TOKEN_PATTERN, TOKEN_PATTERN, QUOTED_PATTERN)
)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)

MAX_ELEMENTS = 64
"""More than there are proxies on any way."""

Element = Mapping[bytes, bytes]
"""What one proxy said, by parameter in lower case."""


class ForwardedError(ValueError):
    """For whom a request is forwarded was said so that nobody can tell; the message is for clients."""


def elements_in(values: Sequence[bytes]) -> list[Element]:
    """The elements of all lines of the field, that of the nearest proxy last.

    Each line is read by itself: a quote that a client leaves open must not take in what proxies add.

    Raises:
        ForwardedError: a line is no such list, an element says a thing twice, or there are too many.
    """
    elements: list[Element] = []
    for value in values:
        elements += _elements(value)
        if len(elements) > MAX_ELEMENTS:
            raise ForwardedError(f"Forwarded has more than {MAX_ELEMENTS} elements.")
    return elements


def _elements(value: bytes) -> list[Element]:
    elements: list[Element] = []
    element: dict[bytes, bytes] = {}
    position, more = 0, True
    while more:
        pair = _PAIR.match(value, position)
        if pair is None:
            raise ForwardedError("Forwarded is not well-formed.")
        name, said, delimiter = pair.groups()
        if name is not None:
            if name.lower() in element:
                raise ForwardedError("Forwarded says a thing twice.")
            element[name.lower()] = _unquoted(said)
        if delimiter != b";" and element:  # else it was an empty one (RFC 9110 §5.6.1.2)
            elements.append(element)
            element = {}
        position, more = pair.end(), bool(delimiter)
    return elements


def _unquoted(value: bytes) -> bytes:
    return _ESCAPE.sub(rb"\1", value[1:-1]) if value.startswith(b'"') else value


def element_of(parameters: Sequence[Field]) -> bytes:
    """An element as it is written. Values have neither quotes nor backslashes."""
    return b";".join(
        b"%b=%b" % (name, value if TOKEN.fullmatch(value) else b'"%b"' % value) for name, value in parameters
    )
