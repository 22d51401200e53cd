"""How upstreams answer: most as nearly all do, some at length, some wrong, some late."""

from itertools import pairwise
from random import Random

from tests.lanes.generator.case import Behaviour, Close, Piece

_FIELDS = (
    *(
        b"Content-Type: text/plain",
        b"Server: x",
        b'ETag: "1"',
        b"Set-Cookie: a=1",
        b"Cache-Control: no-store",
    ),
    *(
        b"Date: Tue, 01 Jan 2030 00:00:00 GMT",
        b"date: x",
        b"Vary: Accept",
        b"X-Latin: \xe9",
        b"Connection: keep-alive",
    ),
)
_ODD_FIELDS = (
    *(
        b"Connection: close",
        b"Connection: x-hop",
        b"X-Hop: 1",
        b"Keep-Alive: timeout=5",
        b"Keep-Alive: timeout=1",
    ),
    *(b'RateLimit-Policy: "theirs";q=5;w=1', b'RateLimit: "theirs";r=4;t=1', b'RateLimit: "default";r=1;t=1'),
    *(
        b"X-RateLimit-Limit: 5",
        b"X-RateLimit-Remaining: 4",
        b"Via: 1.1 b",
        b"X-Request-Id: theirs",
        b"Trailer: X-End",
    ),
    *(
        b"Upgrade: h2c",
        b"Retry-After: 1",
        b"Set-Cookie: b=2",
        b"x-empty:",
        b"X-Tab: \ta ",
        b"Proxy-Authenticate: Basic",
    ),
)
_WRONG_FIELDS = (
    *(
        b"Content-Length: 7",
        b"Content-Length: x",
        b"Transfer-Encoding: gzip",
        b"Bad Name: 1",
        b" folded",
        b"X: a\0",
    ),
    *(b"Transfer-Encoding: chunked", b"no colon", b"Content-Length: 2, 2"),
)
_NONSENSE = (
    *(
        b"hello\r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 99 X\r\n\r\n",
        b"\r\n",
        b"\0",
    ),
    *(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", b"HTTP/1.1 600 X\r\n\r\n", b"x" * 70_000),
)
_INTERIM = (
    *(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    *(b"HTTP/1.1 102 Processing\r\n\r\n",),
)
_MOST_UNREAD = 65536
"""More makes one lane stop reading for a moment, and what it then reads at once cannot stay unseen."""
_LEAST_SECONDS = 0.00002


def behaviour(chance: Random) -> Behaviour:
    """One answer."""
    kind = chance.random()
    if kind < 0.04:
        return _broken(chance) if kind < 0.03 else _dripping(chance)
    odd = 0.0 if kind < 0.6 else 0.3
    version = b"HTTP/1.0" if chance.random() < odd / 4 else b"HTTP/1.1"
    status = chance.choice(
        (b"200 OK",) * 5 + (b"201 Created", b"404 Not Found", b"500 Oops", b"302 Found", b"299 ")
    )
    if chance.random() < odd:
        status = chance.choice(
            (b"204 No Content", b"304 Not Modified", b"205 Reset", b"429 No", b"503 No", b"200")
        )
    lines = _lines(chance, odd)
    body = chance.choice((b"", b"ok", b"hello world", b"x" * 700, b"\r\n0\r\n\r\n"))
    if chance.random() < 0.02:
        body = b"z" * chance.choice((70_000, 300_000))
    framing, body, close = _framed(chance, body, odd)
    if status.startswith((b"204", b"304")) and chance.random() < 0.9:
        body, framing = b"", chance.choice(([], framing))
    lines += framing
    chance.shuffle(lines)
    head = b"%b %b\r\n" % (version, status) + b"".join(b"%b\r\n" % line for line in lines) + b"\r\n"
    if chance.random() < odd / 2:
        head = chance.choice(_INTERIM) + head
    if chance.random() < odd / 8 and body:
        body, close = body[: chance.randrange(len(body))], chance.choice((Close.CLOSED, Close.RESET))
    elif close is Close.KEPT and chance.random() < odd / 2:
        close = chance.choice(tuple(Close) if len(body) < _MOST_UNREAD else (Close.CLOSED, Close.RESET))
    if chance.random() < odd / 10:
        body += chance.choice((b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    is_whole = any(b"ontent-" in line for line in framing)
    pieces = (
        _pieces(chance, head, chance.random() < odd, joined=0.3),
        _pieces(chance, body, chance.random() < 0.2 + odd, joined=0.3 if is_whole else 0.0),
    )
    return Behaviour(*pieces, close, chance.random() < odd / 8, chance.random() < odd / 3)


def _lines(chance: Random, odd: float) -> list[bytes]:
    lines = chance.sample(_FIELDS, chance.randrange(4))
    lines += [chance.choice(_ODD_FIELDS) for _ in range(2) if chance.random() < odd]
    return [*lines, chance.choice(_WRONG_FIELDS)] if chance.random() < odd / 8 else lines


def _framed(chance: Random, body: bytes, odd: float) -> tuple[list[bytes], bytes, Close]:
    kind = chance.random()
    if kind < 0.7 - odd:
        return [chance.choice((b"Content-Length", b"content-length")) + b": %d" % len(body)], body, Close.KEPT
    if kind < 0.97:
        chunks = [body[:2], body[2:]] if chance.random() < 0.5 else [body]
        end = b"X-End: 1\r\n" if chance.random() < odd else b""
        extension = b";a=b" if chance.random() < odd / 2 else b""
        framed = b"".join(b"%x%b\r\n%b\r\n" % (len(each), extension, each) for each in chunks if each)
        return [b"Transfer-Encoding: chunked"], framed + b"0\r\n" + end + b"\r\n", Close.KEPT
    return [], body, chance.choice((Close.CLOSED, Close.CLOSED, Close.RESET))


def _dripping(chance: Random) -> Behaviour:
    """A little now and then: never silent for as long as that may be, and too slow in the long run."""
    number = chance.randrange(2, 6)
    framing = chance.choice((b"Content-Length: %d" % number, b"Transfer-Encoding: chunked"))
    head = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n"
    drops = [b"1\r\nx\r\n"] * number + [b"0\r\n\r\n"] if framing.startswith(b"T") else [b"x"] * number
    return Behaviour((Piece(head),), tuple(Piece(drop, chance.uniform(0.5, 4.0)) for drop in drops))


def _broken(chance: Random) -> Behaviour:
    """Nothing, nonsense, or silence."""
    close = chance.choice((Close.CLOSED, Close.RESET, Close.KEPT, Close.CLOSED))
    if chance.random() < 0.5:
        return Behaviour((), (), close)
    nonsense = chance.choice(_NONSENSE)
    return Behaviour((Piece(nonsense[: chance.randrange(1, len(nonsense) + 1)]),), (), close)


def _pieces(chance: Random, data: bytes, in_some: bool, joined: float) -> tuple[Piece, ...]:
    """Of a body that the node puts in chunks no two come at one instant: they may become one chunk."""
    if not in_some or len(data) < 2:
        return (Piece(data, _delay(chance)),) if data else ()
    places = sorted({0, len(data), *(chance.randrange(1, len(data)) for _ in range(chance.randrange(1, 4)))})
    return tuple(
        Piece(
            data[start:end],
            None if chance.random() < joined else _delay(chance),
        )
        for start, end in pairwise(places)
    )


def _delay(chance: Random) -> float:
    """Nearly always next to none; now and then longer than is waited for."""
    kind = chance.random()
    if kind < 0.7:
        return chance.uniform(_LEAST_SECONDS, 4 * _LEAST_SECONDS)  # no two answers at one instant
    return chance.uniform(0.0005, 0.05) if kind < 0.97 else chance.uniform(0.5, 7.0)
