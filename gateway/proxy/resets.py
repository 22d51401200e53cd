"""Closes that the other side sees as an error, where the end alone would look as if all had come."""

import asyncio
import socket
import struct

_FOR_NO_TIME = struct.pack("ii", 1, 0)


def reset_at_close(transport: asyncio.BaseTransport) -> None:
    """Whenever it is closed, let the kernel send a reset: lingering for no time makes it."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _FOR_NO_TIME)


def reset(transport: asyncio.Transport) -> None:
    """Close at once by a reset: an abort alone closes in order on every loop."""
    reset_at_close(transport)
    transport.abort()
