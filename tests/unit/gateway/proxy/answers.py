"""Answers that are well-formed, broken or cut off, by what they are."""

from typing import TypedDict

from gateway.http.response_parser import MAX_FIELDS, MAX_HEAD_BYTES, MAX_INTERIM

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH_2 = b"Content-Length: 2\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
WEBSOCKET = b"HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


class Request(TypedDict, total=False):
    """What was asked for."""

    has_body: bool
    upgrade: bytes


WELL_FORMED: dict[str, tuple[bytes, Request, tuple[int, bytes, bytes, bool]]] = {
    "with a length": (OK + LENGTH_2 + b"ok", {}, (200, b"ok", b"", True)),
    "with a length of none": (OK + b"Content-Length: 0\r\n\r\n", {}, (200, b"", b"", True)),
    "in chunks": (OK + CHUNKED + b"2\r\nok\r\n1;a=b\r\n!\r\n0\r\nT: x\r\n\r\n", {}, (200, b"ok!", b"", True)),
    "in Chunks": (
        OK + b"transfer-encoding: Chunked\r\n\r\n0\r\n\r\n",
        {},
        (200, b"", b"", True),
    ),
    "without a reason": (b"HTTP/1.1 200 \r\n" + LENGTH_2 + b"ok", {}, (200, b"ok", b"", True)),
    "without the space either": (b"HTTP/1.1 200\r\n" + LENGTH_2 + b"ok", {}, (200, b"ok", b"", True)),
    "of HTTP/1.0": (b"HTTP/1.0 200 OK\r\n" + LENGTH_2 + b"ok", {}, (200, b"ok", b"", False)),
    "that closes": (OK + b"Connection: x, Close\r\n" + LENGTH_2 + b"ok", {}, (200, b"ok", b"", False)),
    "to HEAD": (OK + b"Content-Length: 5\r\n\r\n", {"has_body": False}, (200, b"", b"", True)),
    "to HEAD, in chunks": (OK + CHUNKED, {"has_body": False}, (200, b"", b"", True)),
    "to HEAD, with a body": (OK + LENGTH_2 + b"ok", {"has_body": False}, (200, b"", b"ok", True)),
    "204": (b"HTTP/1.1 204 No\r\n\r\n", {}, (204, b"", b"", True)),
    "204 with a length": (b"HTTP/1.1 204 No\r\n" + LENGTH_2 + b"ok", {}, (204, b"", b"ok", True)),
    "304 with a length": (b"HTTP/1.1 304 No\r\n" + LENGTH_2, {}, (304, b"", b"", True)),
    "304 in chunks": (b"HTTP/1.1 304 No\r\n" + CHUNKED, {}, (304, b"", b"", True)),
    "205": (b"HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n", {}, (205, b"", b"", True)),
    "205 in no chunks": (b"HTTP/1.1 205 Reset\r\n" + CHUNKED + b"0\r\n\r\n", {}, (205, b"", b"", True)),
    "and another": (OK + LENGTH_2 + b"ok" + OK, {}, (200, b"ok", OK, True)),
    "and an empty line": (OK + CHUNKED + b"0\r\n\r\n\r\n", {}, (200, b"", b"\r\n", True)),
    "a switch": (WEBSOCKET + b"\x81\x00", {"upgrade": b"websocket"}, (101, b"", b"\x81\x00", True)),
    "no switch": (OK + LENGTH_2 + b"ok", {"upgrade": b"websocket"}, (200, b"ok", b"", True)),
    "of bytes": (OK + b"X: \xff\xfe\x80\r\n" + LENGTH_2 + b"\0\n", {}, (200, b"\0\n", b"", True)),
}


BROKEN: dict[str, bytes] = {
    "not HTTP": b"hello\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>",
    "HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\n\r\n",
    "HTTP/1.10": b"HTTP/1.10 200 OK\r\n\r\n",
    "lower case": b"http/1.1 200 OK\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH\r\n",
    "an empty line before": b"\r\n" + OK + LENGTH_2 + b"ok",
    "a space before": b" " + OK + LENGTH_2 + b"ok",
    "no status": b"HTTP/1.1\r\n\r\n",
    "two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status 099": b"HTTP/1.1 099 Odd\r\n\r\n",
    "status 600": b"HTTP/1.1 600 Odd\r\n\r\n",
    "two spaces": b"HTTP/1.1  200 OK\r\n\r\n",
    "a tab": b"HTTP/1.1\t200\tOK\r\n\r\n",
    "a control in the reason": b"HTTP/1.1 200 O\x01K\r\n\r\n",
    "a lone LF after the status": b"HTTP/1.1 200 OK\n" + LENGTH_2 + b"ok",
    "lone LF everywhere": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "a lone CR in a value": OK + b"X: a\rb\r\n" + LENGTH_2 + b"ok",
    "a lone LF in a value": OK + b"X: a\nY: b\r\n" + LENGTH_2 + b"ok",
    "NUL in a value": OK + b"X: a\0b\r\n" + LENGTH_2 + b"ok",
    "a control in a value": OK + b"X: a\x7fb\r\n" + LENGTH_2 + b"ok",
    "a folded line": OK + b"X: a\r\n b\r\n" + LENGTH_2 + b"ok",
    "a fold first": OK + b" X: a\r\n" + LENGTH_2 + b"ok",
    "a space before the colon": OK + b"Content-Length : 2\r\n\r\nok",
    "no colon": OK + b"Content-Length 2\r\n\r\nok",
    "no name": OK + b": 2\r\n\r\nok",
    "a name that is none": OK + b"X(Y): 2\r\n" + LENGTH_2 + b"ok",
    "a name of other bytes": OK + b"X\xe9: 2\r\n" + LENGTH_2 + b"ok",
    "lengths that differ": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "a length twice": OK + b"Content-Length: 2\r\n" + LENGTH_2 + b"ok",
    "a list of lengths": OK + b"Content-Length: 2, 2\r\n\r\nok",
    "a length with a sign": OK + b"Content-Length: +2\r\n\r\nok",
    "a length below none": OK + b"Content-Length: -2\r\n\r\nok",
    "a length in hex": OK + b"Content-Length: 0x2\r\n\r\nok",
    "a length with a fraction": OK + b"Content-Length: 2.0\r\n\r\nok",
    "an empty length": OK + b"Content-Length:\r\n\r\nok",
    "a length of 19 digits": OK + b"Content-Length: 1000000000000000000\r\n\r\n",
    "a length and chunks": OK + b"Content-Length: 2\r\n" + CHUNKED + b"0\r\n\r\n",
    "chunks and a length": OK + b"Transfer-Encoding: chunked\r\n" + LENGTH_2 + b"ok",
    "another coding": OK + b"Transfer-Encoding: gzip\r\n\r\nxyz",
    "two codings": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked\r\n" + CHUNKED + b"0\r\n\r\n",
    "identity": OK + b"Transfer-Encoding: identity\r\n" + LENGTH_2 + b"ok",
    "an empty coding": OK + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n",
    "a coding with a parameter": OK + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"0\r\n\r\n",
    "a chunk without a size": OK + CHUNKED + b"\r\n",
    "a size with a sign": OK + CHUNKED + b"+2\r\nok\r\n",
    "a size of 0x": OK + CHUNKED + b"0x2\r\nok\r\n",
    "a size of 16 digits": OK + CHUNKED + b"1000000000000000\r\n",
    "a size with a space before": OK + CHUNKED + b" 2\r\nok\r\n",
    "a size with a lone LF": OK + CHUNKED + b"2\nok\r\n",
    "a chunk that is longer": OK + CHUNKED + b"2\r\nokay\r\n0\r\n\r\n",
    "a trailer that is none": OK + CHUNKED + b"0\r\nX : y\r\n\r\n",
    "a long chunk extension": OK + CHUNKED + b"2;" + b"x" * 10_000,
    "endless trailers": OK + CHUNKED + b"0\r\n" + b"X: y\r\n" * 10_000,
    "205 with content": b"HTTP/1.1 205 Reset\r\n" + LENGTH_2 + b"ok",
    "205 with chunks": b"HTTP/1.1 205 Reset\r\n" + CHUNKED + b"2\r\nok\r\n0\r\n\r\n",
    "205 until close": b"HTTP/1.1 205 Reset\r\n\r\nok",
    "a switch that nobody asked for": WEBSOCKET,
    "an endless line": b"HTTP/1.1 200 " + b"x" * MAX_HEAD_BYTES,
    "an endless field": OK + b"X: " + b"x" * MAX_HEAD_BYTES,
    "an endless head": OK + b"X: y\r\n" * MAX_HEAD_BYTES,
    "too many fields": OK + b"X: y\r\n" * (MAX_FIELDS + 1) + b"\r\n",
    "interim answers without end": b"HTTP/1.1 102 Processing\r\n\r\n" * (MAX_INTERIM + 1),
}


CUT_OFF = {
    "in the status line": b"HTTP/1.1 2",
    "in the head": OK + b"Content-Le",
    "before the end of the head": OK + b"Content-Length: 0\r\n",
    "after an interim answer": b"HTTP/1.1 103 Early\r\n\r\n",
    "in the body": OK + b"Content-Length: 3\r\n\r\nok",
    "before the body": OK + LENGTH_2,
    "in a chunk": OK + CHUNKED + b"3\r\nok",
    "after a chunk": OK + CHUNKED + b"2\r\nok\r\n",
    "in the last chunk": OK + CHUNKED + b"2\r\nok\r\n0\r\n",
    "before anything": b"",
}
