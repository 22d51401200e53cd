"""An application for gunicorn and waitress."""

from collections.abc import Callable, Iterable
from typing import Any

from tests.servers.record import record_of, write


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Take a request and answer it; one whose body breaks off is not written down."""
    body = environ["wsgi.input"].read()
    length = environ.get("CONTENT_LENGTH")
    if not length or int(length) == len(body):
        target = environ.get("RAW_URI") or environ["REQUEST_URI"]
        write(record_of(environ["REQUEST_METHOD"], target, body))
    start_response("200 OK", [("Content-Length", "2")])
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else b"ok"]
