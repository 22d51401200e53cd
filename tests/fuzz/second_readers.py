"""Requests as other projects' parsers read them: what these accept of what the node does is the same."""

from dataclasses import dataclass, field

import h11
import httptools

from tests.fuzz.connection import Read, Request


def check_with_h11(data: bytes, found: Read) -> bool:
    """What h11 takes at all it takes for the same; whether it takes all that was found."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1_000_000)
    connection.receive_data(data)
    try:
        for request in found.requests:
            if h11.MUST_CLOSE in (connection.our_state, connection.their_state):
                return False
            if connection.our_state is h11.DONE:
                connection.start_next_cycle()
            _check_next_of(connection, request)
    except h11.RemoteProtocolError:
        return False
    return True


def _check_next_of(connection: h11.Connection, request: Request) -> None:
    """Hold a request against the next that h11 reads."""
    head = connection.next_event()
    assert isinstance(head, h11.Request), f"{head} for {request}"
    assert head.method.decode() == request.head.method
    if head.target.startswith(b"/") or head.target == b"*":
        assert head.target == request.head.target
    assert _plain(list(head.headers)) == _plain(request.head.fields)
    body = b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data), f"{event} for {request}"
        body += event.data
    assert body == request.body
    connection.send(h11.Response(status_code=204, headers=[]))
    connection.send(h11.EndOfMessage())


def _plain(fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """As h11 has them: in small letters, and so its one transfer coding."""
    lower = [(name.lower(), value) for name, value in fields]
    return [(name, value.lower() if name == b"transfer-encoding" else value) for name, value in lower]


@dataclass
class _Message:
    method: bytes = b""
    target: bytes = b""
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    has_head: bool = False
    is_whole: bool = False


class _Messages:
    """Takes what httptools calls for: its protocol."""

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.all: list[_Message] = []

    def on_message_begin(self) -> None:
        self.all.append(_Message())

    def on_url(self, url: bytes) -> None:
        self.all[-1].target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.all[-1].has_head:  # else it is a trailer
            self.all[-1].fields.append((name, value.rstrip(b" \t")))  # left to whoever uses it

    def on_headers_complete(self) -> None:
        self.all[-1].has_head = True
        self.all[-1].method = self.parser.get_method()

    def on_body(self, body: bytes) -> None:
        self.all[-1].body += body

    def on_message_complete(self) -> None:
        self.all[-1].is_whole = True


def check_with_llhttp(data: bytes, found: Read) -> bool:
    """The same of llhttp, which is in node and in uvicorn."""
    messages = _Messages()
    is_refused = False
    try:
        messages.parser.feed_data(data)
    except httptools.HttpParserError:
        is_refused = True
    except httptools.HttpParserUpgrade:
        is_refused = True
        number = len(messages.all)
        if number > len(found.requests) or found.requests[number - 1].body:
            messages.all.pop()  # it leaves the body to the other protocol; such an offer does not go on
    whole = [message for message in messages.all if message.is_whole]
    for message, request in zip(whole, found.requests, strict=False):
        assert message.method.decode() == request.head.method
        if message.target.startswith(b"/") or message.target == b"*":
            assert message.target == request.head.target
        assert _plain(message.fields) == _plain(request.head.fields)
        assert message.body == request.body
    if not is_refused:
        assert len(whole) >= len(found.requests), "llhttp waits for more"
    if found.is_open:
        assert len(whole) <= len(found.requests), "llhttp finds more"
    return len(whole) >= len(found.requests)
