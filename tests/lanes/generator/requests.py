"""Requests as bytes: most as nearly all are, some odd, some wrong."""

from ast import literal_eval
from pathlib import Path
from random import Random

from tests.lanes.generator.edits import HTTP, SIGNS

CORPUS_FILE = Path(__file__).parent / "corpus.txt"
_CORPUS: tuple[bytes, ...] = tuple(map(literal_eval, CORPUS_FILE.read_text("ascii").splitlines()))
_PLAIN_FIELDS = (
    *(b"User-Agent: curl/8.5.0", b"Accept: */*", b"accept: application/json", b"Accept-Encoding: gzip, br"),
    *(b"Content-Type: application/json", b"Cache-Control: no-cache", b"Connection: keep-alive"),
    *(b"connection: Keep-Alive", b"X-Forwarded-For: 203.0.113.9", b"X-Forwarded-Proto: https"),
    *(b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", b"tracestate: a=1,b=2"),
    *(b'If-None-Match: "x"', b"Cookie: a=b", b"Referer: http://a.example/", b"X-Session: 1"),
    *(b"X-Request-Id: given-1", b"X-Forwarded-For: 198.51.100.3, 10.0.0.1"),
)
_ODD_FIELDS = (
    *(b"Connection: close", b"Connection: x-hop, keep-alive", b"Connection: upgrade", b"X-Hop: 1"),
    *(
        b"Connection: X-API-Key",
        b"Connection: content-length",
        b"Connection: ",
        b"Connection: keep-alive, keep-alive",
    ),
    *(b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"TE: trailers", b"Trailer: X-End"),
    *(b"Expect: 100-continue", b"expect: 100-Continue", b"Expect: 200-ok", b"Upgrade: h2c"),
    *(b"Upgrade: websocket", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13"),
    *(b"traceparent: 00-0-0-0", b"traceparent: ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    *(b"tracestate: =", b"traceparent: 00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
    *(
        b"Forwarded: for=203.0.113.9;proto=https",
        b"Forwarded: for=_x",
        b'Forwarded: for="',
        b"X-Real-IP: 1.2.3.4",
    ),
    *(
        b"X-Forwarded-For: 203.0.113.9, 127.0.0.1",
        b"X-Forwarded-For: nobody",
        b"X-Forwarded-Host: pair.example",
    ),
    *(
        b"X-Request-Id: given-1",
        b"X-Request-Id: a b",
        b"X-Request-Id: given-2",
        b"X-Client-Id: acme",
        b"x_client_id: a",
    ),
    *(
        b"Via: 1.1 node-1",
        b"Via: 1.0 fred, 1.1 p.example",
        b"Max-Forwards: 0",
        b"Max-Forwards: 3",
        b"Max-Forwards: x",
    ),
    *(
        b"Accept:*/*",
        b"Accept:  */* \t",
        b"Accept:\t*/*",
        b"Accept: ",
        b"Accept:",
        b"X-Latin: \xe9\xff",
        b"X-Tab: a\tb",
    ),
    *(
        b"X_API_Key: key-9",
        b"X-API_Key: key-9",
        b"x-original-url: /b",
        b"X-Rewrite-URL: /b",
        b"Range: bytes=0-1",
    ),
    *(b"X-HTTP-Method-Override: DELETE", b"Proxy-Authorization: Basic eA==", b"Authorization: Basic eDp5"),
    *(
        b"Host: other.example",
        b"Content-Length: 0",
        b"Content-Length: 5",
        b"Transfer-Encoding: chunked",
        b"X-Two: 1",
    ),
    *(
        b"Content-Encoding: gzip",
        b"X-Long: " + b"a" * 3000,
        b"Cookie: c=d",
        b"X-Two: 2",
        b"x-empty: ",
        b"\xe9: 1",
    ),
    *(
        b"Bad Name: 1",
        b" folded",
        b"X-Nul: a\0b",
        b"X-Cr: a\rb",
        b"X-Forwarded-Prefix: /x",
        b"Upgrade-Insecure-Requests: 1",
    ),
)
_KEYS = (b"key-1", b"key-1", b"key-2", b"acme-key", b"beta-key", b"bad-key")
_ODD_KEYS = (b"", b"a b", b"k" * 256, b"k" * 257, b"\xe9key", b"a,b", b"a\tb", b"x=y;z", b"~!@#$%^&*()")
_KEY_NAMES = (*(b"X-API-Key",) * 7, b"x-api-key", b"X-Api-Key", b"X-Token-1")
_TARGETS = (
    b"/",
    b"/a",
    b"/a?b=c",
    b"/search/x?q=1",
    b"/health",
    b"/assets/x.js",
    b"/a/b/c",
    b"/a?",
    b"/%7Ea",
)
_ODD_TARGETS = (
    *(
        b"*",
        b"a",
        b"//x",
        b"/../a",
        b"/a%2fb",
        b"/a#b",
        b"/\xe9",
        b"http://service.example/a",
        b"/a b",
        b"/a?<>",
    ),
    *(
        b"/search;x",
        b"/search%2Fx",
        b"/" + b"a" * 2046,
        b"/" + b"a" * 2047,
        b"/" + b"a" * 2048,
        b"/x/../search",
        b"",
    ),
)
_HOSTS = (b"service.example",) * 6 + (b"pair.example", b"pair.example:80", b"SERVICE.example", b"[::1]:80")
_ODD_HOSTS = (b"", b"a b", b"a,b", b"user@x", b"service.example:", b"x" * 300, b"service.example:x")


class Requests:
    """Those of one round. Clients are of kinds: many send the same fields, but for keys and lengths."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._kinds: list[tuple[bytes, list[bytes]]] = []

    def one(self) -> bytes:
        """The next, with its body."""
        chance, kind = self._chance, self._chance.random()
        if kind < 0.04:
            return chance.choice(_CORPUS)
        odd = 0.0 if kind < 0.75 else chance.choice((0.1, 0.3))
        if self._kinds and chance.random() < 0.6:
            method, lines = chance.choice(self._kinds)
        else:
            method, lines = _kind(chance, odd)
            self._kinds = [*self._kinds[-3:], (method, lines)]
        data = _written(chance, method, lines, odd)
        return _mutated(chance, data) if kind > 0.94 else data


_KEY, _LENGTH, _CHUNKED = b"\0key", b"\0length", b"Transfer-Encoding: chunked"
"""In lines of a kind: they stand for values that differ from request to request."""


def _kind(chance: Random, odd: float) -> tuple[bytes, list[bytes]]:
    """A method, and lines of fields."""

    def is_odd() -> bool:
        return chance.random() < odd

    method = chance.choice((b"GET",) * 6 + (b"POST", b"POST", b"PUT", b"HEAD", b"PATCH", b"DELETE"))
    if is_odd():
        method = chance.choice((b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"LIST", b"G@T"))
    lines = [b"Host: " + chance.choice(_ODD_HOSTS if is_odd() else _HOSTS)]
    lines += _credentials(chance)
    lines += chance.sample(_PLAIN_FIELDS, chance.randrange(5))
    for _ in range(3):
        if is_odd():
            lines.append(chance.choice(_ODD_FIELDS))
    if is_odd():
        lines.append(chance.choice(lines))
    if method in (b"POST", b"PUT", b"PATCH") or is_odd():
        name = chance.choice((b"Content-Length",) * 3 + (b"content-length", b"CONTENT-LENGTH"))
        lines.append(_CHUNKED if chance.random() < 0.15 + odd else name + b": " + _LENGTH)
    if chance.random() < 0.7:
        chance.shuffle(lines)
    if is_odd():
        place = chance.randrange(len(lines))
        line = lines[place]
        lines[place] = chance.choice((line.upper(), line.lower(), line.replace(b": ", b":")))
    return method, lines


def _written(chance: Random, method: bytes, lines: list[bytes], odd: float) -> bytes:
    def is_odd() -> bool:
        return chance.random() < odd

    target = chance.choice(_ODD_TARGETS if is_odd() else _TARGETS)
    version = chance.choice((b"HTTP/1.0", b"HTTP/1.2", b"http/1.1")) if is_odd() else b"HTTP/1.1"
    key = chance.choice(_ODD_KEYS if is_odd() else _KEYS)
    head = b"%b %b %b\r\n" % (method, target, version)
    body = b""
    for line in lines:
        given = line
        if _KEY in given:
            given = given.replace(_KEY, chance.choice(_KEYS) if is_odd() else key)
        if _LENGTH in given:
            body = _body(chance)
            length = len(body) + (chance.choice((-1, 1)) if chance.random() < odd / 4 else 0)
            number = chance.choice((b"0%d", b"%d ", b"+%d", b"%d, 5")) if is_odd() else b"%d"
            given = given.replace(_LENGTH, number % length)
        elif given == _CHUNKED:
            body = _in_chunks(chance, _body(chance), odd)
        head += given + b"\r\n"
    return head + b"\r\n" + body


def _credentials(chance: Random) -> list[bytes]:
    named = chance.choice(_KEY_NAMES) + b": " + _KEY
    bearer = chance.choice((b"Authorization: Bearer ", b"authorization: bearer ", b"Authorization: Bearer  "))
    kind = chance.random()
    if kind < 0.72:
        return [named]
    if kind < 0.91:
        return [bearer + _KEY]
    if kind < 0.96:
        return [named, bearer + _KEY]
    return [named, named] if kind < 0.98 else []


def _body(chance: Random) -> bytes:
    if chance.random() < 0.01:
        return b"y" * chance.choice((65535, 65536, 65537, 200_000))
    return chance.choice(
        (b"", b"{}", b"hello", b"a" * 50, b"b\r\n\r\nc", b"x" * 5000, b"GET / HTTP/1.1\r\n\r\n")
    )


def _in_chunks(chance: Random, body: bytes, odd: float) -> bytes:
    end = chance.choice((b"", b"X-End: 1\r\n")) if chance.random() < odd else b""
    chunks = [body[:3], body[3:]] if chance.random() < 0.5 else [body]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks if chunk)
    return framed + b"0\r\n" + end + b"\r\n"


def _mutated(chance: Random, data: bytes) -> bytes:
    for _ in range(chance.randrange(1, 4)):
        lines = [0, *(place + 1 for place, byte in enumerate(data[:-1]) if byte == 0x0A)]
        at = chance.choice(lines) if chance.random() < 0.5 else chance.randrange(len(data) + 1)
        upto = min(len(data), at + chance.randrange(12))
        sign = chance.choice(SIGNS + HTTP)
        match chance.randrange(4):
            case 0:
                data = data[:at] + sign + data[at:]
            case 1:
                data = data[:at] + sign + data[upto:]
            case 2:
                data = data[:at] + data[upto:]
            case _:
                data = data[:upto] + data[at:]
        data = data or b"\r\n"
    return data
