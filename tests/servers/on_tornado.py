"""``python -m tests.servers.on_tornado PORT``"""

import asyncio
import sys

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine

from tests.servers.record import record_of, write


def answer(request: HTTPServerRequest) -> None:
    """Take a request, which tornado gives only when it is whole, and answer it."""
    connection = request.connection
    assert connection is not None
    write(record_of(request.method or "", request.uri or "", request.body))
    body = b"" if request.method == "HEAD" else b"ok"
    connection.write_headers(
        ResponseStartLine("HTTP/1.1", 200, "OK"), HTTPHeaders({"Content-Length": "2"}), body
    )
    connection.finish()


async def serve(port: int) -> None:
    """Listen until the process is ended."""
    HTTPServer(answer).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
