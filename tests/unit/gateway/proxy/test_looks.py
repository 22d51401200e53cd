import asyncio
import socket
import struct

from gateway.proxy.looks import Look, has_left, has_something
from tests.unit.gateway.proxy.sockets import connected


def test_an_end_is_seen_behind_bytes_that_nobody_has_read() -> None:
    near, far = connected()
    with near:
        transport = asyncio.BaseTransport({"socket": near})
        assert not has_something(transport)
        far.sendall(b"unread")
        assert has_something(transport)
        assert not has_left(transport)
        far.close()
        assert has_left(transport)
        assert near.recv(100) == b"unread"


def test_a_connection_can_be_looked_at_time_and_again() -> None:
    near, far = connected()
    with near:
        look = Look(asyncio.BaseTransport({"socket": near}))
        assert not look.has_something()
        far.sendall(b"x")
        assert look.has_something()
        assert near.recv(1) == b"x"
        assert not look.has_something()
        far.close()
        assert look.has_something()


def test_a_reset_is_seen() -> None:
    near, far = connected()
    with near:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        assert has_left(asyncio.BaseTransport({"socket": near}))


def test_a_socket_that_is_gone_has_nothing_to_wait_for() -> None:
    assert has_left(asyncio.BaseTransport())
    assert has_something(asyncio.BaseTransport())
    assert Look(asyncio.BaseTransport()).has_something()
