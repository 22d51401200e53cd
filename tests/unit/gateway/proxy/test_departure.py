import socket
import struct

from gateway.proxy.departure import has_left


def test_an_end_is_seen_behind_bytes_that_nobody_has_read() -> None:
    near, far = connected()
    with near:
        far.sendall(b"unread")
        assert not has_left(near)
        far.close()
        assert has_left(near)
        assert near.recv(100) == b"unread"


def test_a_reset_is_seen() -> None:
    near, far = connected()
    with near:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        assert has_left(near)


def connected() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection by TCP."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        far = socket.create_connection(server.getsockname())
        return server.accept()[0], far
