"""The requests that are sent: whole messages as an API's clients send them, each to another path."""

from collections.abc import Callable

STRIDE = 7919
"""A prime: keys come in an order that no neighbour in memory helps, and each as often as any other."""

_FIELDS = (
    b"Host: api.example.org\r\n"
    b"User-Agent: example-client/3.4 (linux; x86_64)\r\n"
    b"Accept: application/json\r\n"
    b"Accept-Encoding: gzip, deflate, br\r\n"
)
BIG = "/big"
"""What is asked for under this path is answered with 256 KiB."""


def key(prefix: str, number: int) -> str:
    """The API key of a client."""
    return f"{prefix}-{number:07d}"


def of(prefix: str, keys: int, path: str = "/items", body_bytes: int = 0) -> Callable[[int], bytes]:
    """What makes the n-th request: of one of so many keys in turn, a GET or with a body a POST."""
    start = b"%s %s/%%d?view=full HTTP/1.1\r\n" % (b"POST" if body_bytes else b"GET", path.encode())
    about_body = (
        b"Content-Type: application/json\r\nContent-Length: %d\r\n" % body_bytes if body_bytes else b""
    )
    body = b'{"text":"%s"}' % (b"x" * (body_bytes - 11)) if body_bytes else b""
    template = start + _FIELDS + b"X-API-Key: " + prefix.encode() + b"-%07d\r\n" + about_body + b"\r\n" + body

    def request(number: int) -> bytes:
        return template % (number, number * STRIDE % keys)

    return request
