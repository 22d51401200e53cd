"""What the kernel knows of a connection and the event loop has not read yet."""

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


class Look:
    """For bytes, an end or a reset on one connection, time and again: 0.3 µs each, by itself 0.6."""

    __slots__ = ("_poll", "_transport")

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        """To be asked as long as the transport is not closing."""
        self._transport = transport
        own = transport.get_extra_info("socket")
        self._poll: select.poll | None = None
        if own is not None and transport.get_extra_info("ssl_object") is None:
            self._poll = select.poll()
            self._poll.register(own, select.POLLIN)

    def has_something(self) -> bool:
        """Whether any of them has come."""
        return has_something(self._transport) if self._poll is None else bool(self._poll.poll(0))


def _look(transport: asyncio.BaseTransport, events: int) -> bool:
    own = transport.get_extra_info("socket")
    if own is None:  # by TLS it can be gone before the connection is lost
        return True
    look = select.poll()
    look.register(own, events)
    return bool(look.poll(0))
