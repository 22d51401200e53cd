"""Real sockets."""

import socket


def connected() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection by TCP."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        far = socket.create_connection(server.getsockname())
        return server.accept()[0], far
