"""An upstream's answer for whoever awaits it: its head as a future, its body to be read."""

import asyncio

from gateway.proxy.answer_body import AnswerBody
from gateway.proxy.answer_head import AnswerHead
from gateway.proxy.answers import Piece
from gateway.proxy.upstream_connection import OnInterim, UpstreamConnection, UpstreamError

Answer = tuple[AnswerHead, AnswerBody]


def ask(
    connection: UpstreamConnection,
    head: bytes,
    *,
    has_answer_body: bool,
    silence_seconds: float,
    upgrade: bytes = b"",
    on_interim: OnInterim | None = None,
) -> "asyncio.Future[Answer]":
    """Send a request's head, as `UpstreamConnection.start` does.

    The future raises `UpstreamError`; so do reads of the body where the answer breaks off. They raise
    `TimeoutError` where it does not go on.

    Args:
        silence_seconds: how long a read of the body waits.
    """
    answer = _AwaitedAnswer(connection, silence_seconds)
    connection.start(head, answer, has_answer_body=has_answer_body, upgrade=upgrade, on_interim=on_interim)
    return answer.future


class _AwaitedAnswer:
    """Receives it."""

    __slots__ = ("_body", "_connection", "_silence_seconds", "future")

    def __init__(self, connection: UpstreamConnection, silence_seconds: float) -> None:
        self.future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._connection = connection
        self._silence_seconds = silence_seconds
        self._body: AnswerBody | None = None

    def on_headers(self, head: AnswerHead) -> None:
        has_length = head.length is not None
        self._body = AnswerBody(self._connection, self._silence_seconds, has_length=has_length)
        if not self.future.done():
            self.future.set_result((head, self._body))

    def on_response(self, head: AnswerHead, body: bytes) -> None:
        self.on_headers(head)
        self.on_data(body)
        self.on_complete()

    def on_data(self, piece: Piece) -> None:
        if self._body is not None:
            self._body.feed(bytes(piece))

    def on_idle(self) -> None:
        """Reads of the body have their own time limit."""

    def on_complete(self) -> None:
        if self._body is not None:
            self._body.end()

    def on_error(self, error: UpstreamError) -> None:
        if self._body is not None:
            self._body.fail(error)
        elif not self.future.done():
            self.future.set_exception(error)
            self.future.exception()  # seen: whoever asked may have left, and asyncio logs what nobody saw

    def on_upstream_full(self) -> None:
        """Whoever sends a body waits by `drain`."""

    def on_upstream_ready(self) -> None:
        """As above."""
