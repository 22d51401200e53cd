"""Whether the other end of a connection has gone, asked of the kernel and not of what was read."""

import select
import socket

_GONE = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)
"""The last, which Linux has, tells also of an end in order behind bytes that nobody has read."""


def has_left(connection: socket.socket) -> bool:
    """Whether it has sent a reset, or an end, wherever that stands in line."""
    look = select.poll()
    look.register(connection, _GONE)
    return any(events & _GONE for _, events in look.poll(0))
