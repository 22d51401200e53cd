"""Connections that break: making one, so that the other side sees it, and what had come on one."""

import asyncio
import socket
import struct

_FOR_NO_TIME = struct.pack("ii", 1, 0)


def reset_at_close(transport: asyncio.BaseTransport) -> None:
    """Whenever it is closed, let the kernel send a reset: lingering for no time makes it."""
    own = transport.get_extra_info("socket")
    if own is not None:  # by TLS it can be gone before the connection is lost
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _FOR_NO_TIME)


def reset(transport: asyncio.Transport) -> None:
    """Close at once by a reset: an abort alone closes in order on every loop."""
    reset_at_close(transport)
    transport.abort()


def unread(transport: asyncio.Transport, most_bytes: int) -> bytes:
    """What had come on a connection that broke at a write, which can fail before the read.

    To be asked for when the connection is lost; with TLS it cannot be had.
    """
    lost: socket.socket | None = transport.get_extra_info("socket")
    if lost is None or transport.get_extra_info("ssl_object") is not None:
        return b""
    # The event loop's own object may not be read from, and for a duplicate there may be no descriptor left.
    try:
        still_open = socket.socket(fileno=lost.fileno())
    except (OSError, ValueError):
        return b""
    try:
        return still_open.recv(most_bytes, socket.MSG_DONTWAIT)
    except OSError:
        return b""
    finally:
        still_open.detach()
