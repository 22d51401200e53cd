"""Free TCP ports of the loopback address."""

import random
import socket

from loadtest.child import StartError

PORTS = range(20_000, 30_000)
"""Below the range that outgoing connections take theirs from (Linux and macOS)."""

_ATTEMPTS = 1000


def is_free(port: int) -> bool:
    """Whether a port can be bound now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(but: int | None = None) -> int:
    """A port that can be bound now. Drawn at random, so that two clusters seldom want the same.

    Raises:
        StartError: of very many tried, none was free.
    """
    for _ in range(_ATTEMPTS):
        port = random.SystemRandom().choice(PORTS)
        if port != but and is_free(port):
            return port
    raise StartError(f"there is no free TCP port between {PORTS[0]} and {PORTS[-1]} of 127.0.0.1")
