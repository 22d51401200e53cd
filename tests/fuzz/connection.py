"""What the reader of requests makes of a connection's bytes."""

from dataclasses import dataclass

from gateway.http.request_parser import RequestHead, RequestParser
from gateway.http.rules import BadRequestError, Rule


@dataclass(frozen=True, slots=True)
class Request:
    """One that was read whole."""

    head: RequestHead
    body: bytes

    @property
    def method(self) -> bytes:
        """As it stands in the request line."""
        return self.head.method.encode()

    @property
    def target(self) -> bytes:
        """As it is to stand in the request line that goes on."""
        return self.head.target


@dataclass(frozen=True, slots=True)
class Read:
    """What came of a connection: whole requests, the head of one that is not, and what was wrong.

    `fault_method` is that of the request that was wrong, as far as it is known.
    """

    requests: tuple[Request, ...]
    begun: RequestHead | None = None
    fault: Rule | None = None
    fault_method: str = ""

    @property
    def is_open(self) -> bool:
        """Whether a request that is whole would be read now."""
        return self.fault is None and all(request.head.keep_alive for request in self.requests)


def read(pieces: list[bytes]) -> Read:
    """Each request is answered at once; behind one that closes the connection nothing is read."""
    reader = RequestParser()
    requests: list[Request] = []
    head: RequestHead | None = None
    body = b""
    try:
        for piece in pieces:
            events = reader.feed(piece)
            while True:
                for event in events:
                    if isinstance(event, RequestHead):
                        head, body = event, b""
                    else:
                        body += event
                if head is None or not reader.ended:
                    break
                requests.append(Request(head, body))
                if not head.keep_alive:
                    return Read(tuple(requests))
                head = None
                events = reader.next_request()
    except BadRequestError as malformed:
        return Read(tuple(requests), None, malformed.rule, malformed.method)
    return Read(tuple(requests), head)
