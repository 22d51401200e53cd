"""Free TCP ports of the loopback address."""

import os
import random
import socket
from collections import deque
from collections.abc import Sequence

from loadtest.child import StartError

PORTS: Sequence[int] = range(20_000, 30_000)
"""Below the range that outgoing connections take theirs from (Linux and macOS)."""

RESERVED_AT_MOST = 64

_ATTEMPTS = 1000
_reserved: deque[int] = deque()
"""Descriptors of sockets."""


def is_free(port: int) -> bool:
    """Whether a port can be bound now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that can be bound now, and that no process that asks here is given besides.

    Between the answer and the moment when something listens there, the UDP port of the same number is held:
    until `RESERVED_AT_MOST` more have been given out, or this process ends.

    Raises:
        StartError: of very many tried, none was free.
    """
    for _ in range(_ATTEMPTS):
        port = random.SystemRandom().choice(PORTS)
        if is_free(port) and _reserve(port):
            return port
    raise StartError(f"there is no free TCP port between {PORTS[0]} and {PORTS[-1]} of 127.0.0.1")


def _reserve(port: int) -> bool:
    holder = socket.socket(type=socket.SOCK_DGRAM)
    try:
        holder.bind(("127.0.0.1", port))
    except OSError:
        holder.close()
        return False
    _reserved.append(holder.detach())
    if len(_reserved) > RESERVED_AT_MOST:
        os.close(_reserved.popleft())
    return True
