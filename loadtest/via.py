"""The nodes that an answer names as its way (RFC 9110 §7.6.3); proxies before them name themselves too."""

from collections.abc import Iterable


def hops(fields: Iterable[str]) -> set[str]:
    """The names in the fields ``Via`` of a message."""
    words = (hop.split() for field in fields for hop in field.split(","))
    return {hop[1] for hop in words if len(hop) > 1}
