"""What the kernel knows of a connection and the event loop has not read yet. A look costs 0.7 µs."""

import asyncio
import select

_GONE = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)
"""The last, which Linux has, tells also of an end in order behind bytes that nobody has read."""


def has_left(transport: asyncio.BaseTransport) -> bool:
    """Whether the other end has sent a reset, or an end, wherever that stands in line."""
    return _look(transport, _GONE)


def has_something(transport: asyncio.BaseTransport) -> bool:
    """Whether bytes, an end or a reset have come."""
    return _look(transport, select.POLLIN)


def _look(transport: asyncio.BaseTransport, events: int) -> bool:
    own = transport.get_extra_info("socket")
    if own is None:  # by TLS it can be gone before the connection is lost
        return True
    look = select.poll()
    look.register(own, events)
    return bool(look.poll(0))
