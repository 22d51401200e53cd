"""How a message has come and how far it may go: ``Via`` and ``Max-Forwards`` (RFC 9110 §7.6). No IO."""

from gateway.fields import Field, Fields
from gateway.proxy.field_lines import values_of

_MAX_FORWARDS = b"max-forwards"
_MOST_DIGITS = 9


class HopsError(ValueError):
    """Max-Forwards is not one number."""


def via(version: tuple[int, int], node_id: str) -> Field:
    """What the node adds to a message that it received in this version of HTTP; its id is a pseudonym."""
    return b"Via", b"%d.%d %b" % (*version, node_id.encode())


def has_passed(fields: Fields, node_id: str) -> bool:
    """Whether a message has been at this node before (RFC 9110 §7.6.3), so that it goes in a circle."""
    name = node_id.lower().encode()
    values = [value.lower() for value in values_of(fields, b"via")]
    return any(name in value and _names(value, name) for value in values)


def _names(value: bytes, name: bytes) -> bool:
    """Whether one element is of this name; what looks so within a comment is one too."""
    return any(element.split()[1:2] == [name] for element in value.split(b","))


def hops_left(method: str, fields: Fields) -> int | None:
    """How many times more a request may be forwarded (RFC 9110 §7.6.2); None where it does not say.

    Of methods other than OPTIONS the field is not looked at. What is beyond any way is cut to nine digits.

    Raises:
        HopsError: it is not one number.
    """
    said = values_of(fields, _MAX_FORWARDS) if method == "OPTIONS" else []
    if not said:
        return None
    if len(said) > 1 or not said[0].isdigit():
        raise HopsError
    digits = said[0].lstrip(b"0")
    return int(digits or b"0") if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS - 1


def one_hop_less(fields: Fields, left: int) -> Fields:
    """The same fields, with as many hops less one."""
    return [(name, b"%d" % (left - 1) if name.lower() == _MAX_FORWARDS else value) for name, value in fields]
