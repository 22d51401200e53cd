"""TCP details below asyncio: polling a socket without reading it, resets, unread and unsent bytes."""

import asyncio
import fcntl
import select
import socket
import struct
import termios

_CLOSED_BY_PEER = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)
"""POLLRDHUP, which Linux has, also reports a FIN behind bytes that have not been read."""


def peer_closed(transport: asyncio.BaseTransport) -> bool:
    """Whether the peer has sent a reset or a FIN, also behind unread bytes."""
    return _poll(transport, _CLOSED_BY_PEER)


def readable(transport: asyncio.BaseTransport) -> bool:
    """Whether unread bytes, a FIN or a reset have arrived."""
    return _poll(transport, select.POLLIN)


class SocketProbe:
    """`readable` for repeated use on one connection: 0.3 µs a call instead of 0.6."""

    __slots__ = ("_poll", "_transport")

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        """The probe may be used until the transport starts to close."""
        self._transport = transport
        own = transport.get_extra_info("socket")
        self._poll: select.poll | None = None
        if own is not None and transport.get_extra_info("ssl_object") is None:
            self._poll = select.poll()
            self._poll.register(own, select.POLLIN)

    def readable(self) -> bool:
        """Whether unread bytes, a FIN or a reset have arrived."""
        return readable(self._transport) if self._poll is None else bool(self._poll.poll(0))


def _poll(transport: asyncio.BaseTransport, events: int) -> bool:
    own = transport.get_extra_info("socket")
    if own is None:  # with TLS the socket can be gone before connection_lost
        return True
    poll = select.poll()
    poll.register(own, events)
    return bool(poll.poll(0))


_NO_LINGER = struct.pack("ii", 1, 0)


def rst_on_close(transport: asyncio.BaseTransport) -> None:
    """Set SO_LINGER to zero seconds, so that the kernel sends RST when the socket is closed."""
    own = transport.get_extra_info("socket")
    if own is not None:  # with TLS the socket can be gone before connection_lost
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


def abort_with_rst(transport: asyncio.Transport) -> None:
    """Close at once with RST; `abort` alone sends FIN on every event loop."""
    rst_on_close(transport)
    transport.abort()


def read_remaining(transport: asyncio.Transport, max_bytes: int) -> bytes:
    """Bytes that arrived on a connection whose write failed before the event loop read them.

    Call it in `connection_lost`. With TLS the result is always empty.
    """
    lost: socket.socket | None = transport.get_extra_info("socket")
    if lost is None or transport.get_extra_info("ssl_object") is not None:
        return b""
    # The event loop's own socket object refuses reads, and a duplicate needs a free file descriptor.
    try:
        still_open = socket.socket(fileno=lost.fileno())
    except (OSError, ValueError):
        return b""
    try:
        return still_open.recv(max_bytes, socket.MSG_DONTWAIT)
    except OSError:
        return b""
    finally:
        still_open.detach()


def unsent_bytes(transport: asyncio.Transport) -> int:
    """Bytes written that the peer has not acknowledged, as far as the kernel reports them."""
    buffered = transport.get_write_buffer_size()
    own = transport.get_extra_info("socket")
    if own is None:  # with TLS the socket can be gone before connection_lost
        return buffered
    try:
        # Linux' SIOCOUTQ: the kernel's buffer holds megabytes, and accepts more only when a third is free.
        reply = fcntl.ioctl(own.fileno(), termios.TIOCOUTQ, bytes(4))
    except OSError:
        return buffered
    (in_kernel,) = struct.unpack("i", reply)
    return buffered + int(in_kernel)
