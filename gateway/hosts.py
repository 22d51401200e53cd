"""Hosts as requests name them. No I/O."""

import re
from ipaddress import IPv6Address

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
