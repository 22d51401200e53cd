import asyncio
import resource
import socket

from gateway.proxy.tcp import read_remaining
from tests.unit.gateway.proxy.sockets import connected


def test_what_had_come_is_read_though_no_descriptor_is_left() -> None:
    near, far = connected()
    with near, far:
        near.setblocking(False)
        transport = asyncio.Transport({"socket": near})
        assert read_remaining(transport, 100) == b""
        far.sendall(b"read_remaining")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            came = read_remaining(transport, 100)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert came == b"read_remaining"
        far.sendall(b"x")
        assert near.recv(100) == b"x"


def test_of_a_socket_that_is_gone_nothing_had_come() -> None:
    near = socket.socket()
    near.close()
    assert read_remaining(asyncio.Transport({"socket": near}), 100) == b""
    assert read_remaining(asyncio.Transport(), 100) == b""
