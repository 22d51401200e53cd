"""The reader of requests: no error but its own, the same however bytes come, and as h11 reads them."""

from dataclasses import dataclass

import h11

from gateway.proxy.head import RequestHead
from gateway.proxy.reader import RequestReader
from gateway.proxy.rules import Malformed, Rule
from tests.corpus.corpus import CASES
from tests.fuzz.mutation import HTTP, SIGNS, cut, mutated
from tests.fuzz.target import Target

_LONGEST = 2000
_EXAMPLES = tuple(case.sent for case in CASES if len(case.sent) < _LONGEST)


@dataclass(frozen=True, slots=True)
class Request:
    """One that was read whole."""

    head: RequestHead
    body: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """What came of a connection: whole requests, the head of one that is not, and what was wrong.

    `fault_method` is that of the request that was wrong, as far as it is known.
    """

    requests: tuple[Request, ...]
    begun: RequestHead | None = None
    fault: Rule | None = None
    fault_method: str = ""


def read(pieces: list[bytes]) -> Read:
    """Each request is answered at once; behind one that closes the connection nothing is read."""
    reader = RequestReader()
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
                events = reader.go_on()
    except Malformed as malformed:
        return Read(tuple(requests), None, malformed.rule, malformed.method)
    return Read(tuple(requests), head)


def check(given: tuple[bytes, list[bytes]]) -> None:
    """Of bytes, whole and in pieces."""
    data, pieces = given
    found = read([data])
    assert read(pieces) == found
    for request in found.requests:
        _check_head(request.head, len(request.body))
    _check_with_h11(data, found)


def _check_head(head: RequestHead, length: int) -> None:
    """What no head that passes may say."""
    assert head.target == b"*" or head.target.startswith(b"/")
    assert set(head.target) <= {*range(0x21, 0x7F)} - {*b"#"}
    assert head.length in (None, length)
    names = [name.lower() for name, _ in head.fields]
    assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
    assert names.count(b"host") == 1 or (head.version == (1, 0) and b"host" not in names)
    lines = b"".join(name + b":" + value for name, value in head.fields)
    assert not set(lines) & {*range(0x09), *range(0x0A, 0x20), 0x7F}


def _check_with_h11(data: bytes, found: Read) -> None:
    """What a second reader takes at all it takes for the same."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1_000_000)
    connection.receive_data(data)
    try:
        for request in found.requests:
            if not _is_next_of(connection, request):
                return
    except h11.RemoteProtocolError:
        return


def _is_next_of(connection: h11.Connection, request: Request) -> bool:
    """Hold a request against the next that h11 reads; False where its connection goes no further."""
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
    if h11.MUST_CLOSE in (connection.our_state, connection.their_state):
        return False
    connection.start_next_cycle()
    return True


def _plain(fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """As h11 has them: in small letters, and so its one transfer coding."""
    lower = [(name.lower(), value) for name, value in fields]
    return [(name, value.lower() if name == b"transfer-encoding" else value) for name, value in lower]


INPUTS = cut(mutated(_EXAMPLES, SIGNS + HTTP))
"""A client's bytes on one connection, whole and in pieces."""

TARGETS = (Target("requests", INPUTS, check),)
