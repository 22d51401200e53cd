import asyncio
import socket
import struct

from gateway.proxy.tcp import SocketProbe, peer_closed, readable
from tests.unit.gateway.proxy.sockets import connected


def test_an_end_is_seen_behind_bytes_that_nobody_has_read() -> None:
    near, far = connected()
    with near:
        transport = asyncio.BaseTransport({"socket": near})
        assert not readable(transport)
        far.sendall(b"unread")
        assert readable(transport)
        assert not peer_closed(transport)
        far.close()
        assert peer_closed(transport)
        assert near.recv(100) == b"unread"


def test_a_connection_can_be_looked_at_time_and_again() -> None:
    near, far = connected()
    with near:
        look = SocketProbe(asyncio.BaseTransport({"socket": near}))
        assert not look.readable()
        far.sendall(b"x")
        assert look.readable()
        assert near.recv(1) == b"x"
        assert not look.readable()
        far.close()
        assert look.readable()


def test_a_reset_is_seen() -> None:
    near, far = connected()
    with near:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        assert peer_closed(asyncio.BaseTransport({"socket": near}))


def test_a_socket_that_is_gone_has_nothing_to_wait_for() -> None:
    assert peer_closed(asyncio.BaseTransport())
    assert readable(asyncio.BaseTransport())
    assert SocketProbe(asyncio.BaseTransport()).readable()
