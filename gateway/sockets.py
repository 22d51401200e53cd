"""Sockets that listen: one for each address, or one for each process that shares the port."""

import asyncio
import socket
from itertools import chain

from gateway.errors import StartError

BACKLOG = 1024
"""Connections that may wait to be accepted; Linux bounds it by net.core.somaxconn."""


def authority(host: str, port: int) -> str:
    """An address as a URL has it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def listening_sockets(host: str, port: int, prefix: str = "") -> list[socket.socket]:
    """A socket for each address of `host`, listening.

    `prefix` is that of the two settings in the message.

    Raises:
        StartError: it cannot listen there.
    """
    (sockets,) = await shared_sockets(host, port, 1, prefix)
    return sockets


async def shared_sockets(host: str, port: int, sharers: int, prefix: str = "") -> list[list[socket.socket]]:
    """The same for each of so many who share the port; the kernel chooses one for each connection.

    Nobody else may listen there: not even one who would share it too.

    Raises:
        StartError: as there.
    """
    shares: list[list[socket.socket]] = [[] for _ in range(sharers)]
    try:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in dict.fromkeys(found):
            alone = _bound(family, address, shared=False)
            if sharers == 1:
                shares[0].append(alone)
                continue
            address = alone.getsockname()
            alone.close()
            for sockets in shares:
                sockets.append(_bound(family, address, shared=True))
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that no resolver would be asked for
        for bound in chain.from_iterable(shares):
            bound.close()
        reason = getattr(error, "strerror", None) or str(error)
        settings = f"GATEWAY_{prefix}HOST={host} and GATEWAY_{prefix}PORT={port}"
        raise StartError(f"{settings}: cannot listen there: {reason}", 3) from None
    return shares


def _bound(family: int, address: tuple[object, ...], *, shared: bool) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # A restarted node gets its port back while old connections still end.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening
