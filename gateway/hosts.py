"""Hosts as routes name them (``api.example.org``, ``*.example.org``), and as requests do. No IO."""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address

_WILDCARD = "*."
_LONGEST = 253  # RFC 1035 §2.3.4, as it is written
_NAME = re.compile(r"(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.ASCII)
_PORT = re.compile(rb":[0-9]*\Z")
# RFC 3986 §3.2.2 without escapes and the signs that no name in use has, each of which some reader splits at
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


def is_pattern(text: str) -> bool:
    """Whether a text is a host's name in lower case, or one with ``*.`` before it for all below."""
    return len(text) <= _LONGEST and _NAME.fullmatch(text) is not None


def host_name(field: bytes) -> str:
    """The host of a ``Host`` field: without port, in lower case (RFC 3986 §3.2.2), without the root's dot.

    Servers find the site of ``example.org.`` under ``example.org``.
    """
    return _PORT.sub(b"", field).lower().removesuffix(b".").decode("latin-1")


def depth(pattern: str) -> int:
    """How many labels stand behind the star of a pattern; 0 where there is none."""
    return pattern.count(".") if pattern.startswith(_WILDCARD) else 0


def patterns(name: str, most_labels: int) -> Iterator[str]:
    """The patterns that a host falls under: its name, and stars with up to as many labels behind them."""
    yield name
    labels = name.rsplit(".", most_labels)[1:]
    for place in range(len(labels)):
        yield _WILDCARD + ".".join(labels[place:])
