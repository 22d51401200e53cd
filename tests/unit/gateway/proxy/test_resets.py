import asyncio
import resource
import socket

from gateway.proxy.resets import unread
from tests.unit.gateway.proxy.sockets import connected


def test_what_had_come_is_read_though_no_descriptor_is_left() -> None:
    near, far = connected()
    with near, far:
        near.setblocking(False)
        transport = asyncio.Transport({"socket": near})
        assert unread(transport, 100) == b""
        far.sendall(b"unread")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            came = unread(transport, 100)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert came == b"unread"
        far.sendall(b"x")
        assert near.recv(100) == b"x"


def test_of_a_socket_that_is_gone_nothing_had_come() -> None:
    near = socket.socket()
    near.close()
    assert unread(asyncio.Transport({"socket": near}), 100) == b""
    assert unread(asyncio.Transport(), 100) == b""
