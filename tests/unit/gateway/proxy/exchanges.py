"""An exchange with an upstream, over a connection without a socket."""

from functools import partial

from gateway.proxy import awaited_answer
from gateway.proxy.answer_body import AnswerBody

ask = partial(awaited_answer.ask, silence_seconds=30.0)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def whole(body: AnswerBody) -> bytes:
    """All of a body."""
    pieces = []
    while not body.at_eof():
        pieces.append(await body.readany())
    return b"".join(pieces)
